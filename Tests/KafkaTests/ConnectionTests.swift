import Testing

@testable import Kafka

@Suite struct ConnectionTests {
    @Test func `an outage is reported once`() {
        var connection = BrokerConnection()
        for _ in 0..<2 {
            #expect(connection.observe(KafkaError(.transport)) == .none)
            #expect(connection.observe(KafkaError(.allBrokersDown)) == .wentDown(KafkaError(.transport)))
            #expect(connection.observe(KafkaError(.transport)) == .none)
            #expect(connection.observe(KafkaError(.allBrokersDown)) == .none)
            #expect(connection.observeAnswer() == .cameUp)
            #expect(connection.observeAnswer() == .none)
        }
        #expect(connection.observe(KafkaError(.allBrokersDown)) == .wentDown(KafkaError(.allBrokersDown)))
    }

    @Test func `one broker of several that is away is no outage`() {
        var connection = BrokerConnection()
        #expect(connection.observeAnswer() == .none)
        for _ in 0..<3 {
            #expect(connection.observe(KafkaError(.transport)) == .none)
            #expect(connection.status == .up)
            #expect(connection.observeAnswer() == .none)
        }
    }

    @Test func `another reason is news`() {
        var connection = BrokerConnection()
        _ = connection.observe(KafkaError(.allBrokersDown))
        #expect(connection.observe(KafkaError(.authentication)) == .wentDown(KafkaError(.authentication)))
        #expect(connection.status == .down(KafkaError(.authentication)))
    }

    @Test func `what is no outage is ignored`() {
        var connection = BrokerConnection()
        #expect(connection.observe(KafkaError(.messageTooLarge)) == .none)
        #expect(connection.status == .unknown)
    }
}
