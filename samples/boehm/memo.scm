;; A Guile program with a leak: a memo table that is never cleared.
;;
;;     guile --no-auto-compile memo.scm [ORDERS]
;;
;; It prices ORDERS orders (20000), each once, and remembers all of them. Prints "ready" and waits for
;; the end of its input.

(use-modules (srfi srfi-9) (ice-9 rdelim))

(define-record-type <order>
  (make-order number customer price)
  order?
  (number order-number)
  (customer order-customer)
  (price order-price))

(define memo (make-hash-table))

(define (price-of number)
  (or (hash-ref memo number)
      (let ((order (make-order number (string-append "customer " (number->string number))
                               (* 1.1 number))))
        (hash-set! memo number order)
        order)))

(define orders
  (let ((arguments (cdr (command-line))))
    (if (null? arguments) 20000 (string->number (car arguments)))))

(do ((number 0 (+ number 1)))
    ((= number orders))
  (price-of number))

(gc)
(display "ready\n")
(force-output)
(let wait () (if (not (eof-object? (read-line))) (wait)))
(display (hash-count (const #t) memo))
(newline)
