# 20,000 orders in a hash table, with strings, arrays and garbage; says "ready".
class Order
  def initialize(@id : Int32, @name : String, @lines : Array(Int32))
  end
end

orders = {} of Int32 => Order
20_000.times { |i| orders[i] = Order.new(i, "name #{i}", [i, i + 1]) }
100_000.times { |i| "garbage #{i}".upcase }
puts "ready"
STDOUT.flush
gets
puts orders.size
