import Testing

@testable import Appliance

/// What two looks at a process's metrics tell of its transactions.
@Suite struct TransactionFiguresTests {
    private func exposition(committed: Int, events: Int, seconds: Double, open: Double = 0) -> String {
        """
        # TYPE godwit_kafka_transactions_total counter
        godwit_kafka_transactions_total{consumer="orders",outcome="committed"} \(committed)
        godwit_kafka_transactions_total{consumer="orders",outcome="given_up"} 2
        godwit_kafka_transactions_total{outcome="fenced",consumer="orders"} 1
        godwit_kafka_transaction_events_bucket{consumer="orders",le="+Inf"} 7
        godwit_kafka_transaction_events_sum{consumer="orders"} \(events)
        godwit_kafka_transaction_events_count{consumer="orders"} \(committed)
        godwit_kafka_transaction_seconds_sum{consumer="orders"} \(seconds)
        godwit_kafka_transaction_seconds_count{consumer="orders"} \(committed)
        godwit_kafka_transaction_open_seconds{consumer="orders"} \(open)
        godwit_consumer_lag_events{consumer="other"} 5
        """
    }

    @Test func `a rate is between the looks, averages are since the process began`() throws {
        let figures = TransactionFigures.compare(
            exposition(committed: 100, events: 900, seconds: 0.4),
            exposition(committed: 140, events: 1_400, seconds: 0.7, open: 1.25), after: 0.5)
        let one = try #require(figures.first)
        #expect(figures.count == 1 && one.consumer == "orders")
        #expect(one.perSecond == 80 && one.events == 10 && one.seconds == 0.005 && one.open == 1.25)
        #expect(
            one.text
                == "orders: 80 transactions a second; each of 10 events, committed after 5 ms on average; "
                + "one is open for 1.3 s; 2 given up and 1 fenced since the process began")
    }

    @Test func `a process that has begun in between, or says nothing sensible, is no reason to fail`() {
        let restarted = TransactionFigures.compare(
            exposition(committed: 100, events: 900, seconds: 0.4), exposition(committed: 0, events: 0, seconds: 0),
            after: 0.5)
        #expect(
            restarted.first?.text
                == "orders: 0 transactions a second; 2 given up and 1 fenced since the process began")
        let odd = """
            godwit_kafka_transactions_total{consumer="a",outcome="given_up"} NaN
            godwit_kafka_transactions_total{consumer="a",outcome="fenced"} 1e300
            godwit_kafka_transaction_events_sum{consumer="a"} 1e14
            godwit_kafka_transaction_events_count{consumer="a"} 1e-300
            godwit_kafka_transaction_open_seconds{consumer="a"} -1
            godwit_kafka_transaction_open_seconds{consumer=
            """
        #expect(
            TransactionFigures.compare("", odd, after: 0).map(\.text)
                == ["a: 0 transactions a second; 0 given up and 0 fenced since the process began"])
    }
}
