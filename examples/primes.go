// Goroutines look for prime numbers and send them to one channel.
package main

import (
	"flag"
	"fmt"
	"time"
)

func main() {
	workers := flag.Int("workers", 2, "goroutines that look for primes")
	most := flag.Int("most", 200000, "the last number")
	flag.Parse()
	found, begin := make(chan int), time.Now()
	for worker := 0; worker < *workers; worker++ {
		go func(first int) {
			for number := first; number <= *most; number += *workers {
				divisor := 2
				for divisor*divisor <= number && number%divisor != 0 {
					divisor++
				}
				if divisor*divisor > number && number > 1 {
					found <- number
				}
			}
			found <- 0
		}(worker)
	}
	count, ended := 0, 0
	for ended < *workers {
		if <-found == 0 {
			ended++
		} else {
			count++
		}
	}
	fmt.Printf("{\"primes\": %d, \"time_s\": %.9f}\n", count, time.Since(begin).Seconds())
}
