# A Crystal program that keeps all of its orders, in a list, an array and a table by customer.
#
#     crystal build shop.cr && ./shop
#
# Prints "ready" and waits for the end of its input.

class Order
  getter customer : String

  def initialize(@number : Int32, @customer : String, @previous : Order?)
  end
end

class Shop
  @last : Order?
  @orders = [] of Order
  @by_customer = {} of String => Order

  def add(number)
    order = Order.new(number, "customer #{number}", @last)
    @last = order
    @orders << order
    @by_customer[order.customer] = order
  end
end

shop = Shop.new
20_000.times { |number| shop.add(number) }
GC.collect
puts "ready"
STDOUT.flush
gets
puts shop
