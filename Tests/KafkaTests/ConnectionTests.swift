import Testing

@testable import Kafka

@Suite struct ConnectionTests {
    @Test func anOutageIsSaidOnce() {
        var connection = BrokerConnection()
        #expect(connection.observe(KafkaError(.transport)) == .wentDown(KafkaError(.transport)))
        #expect(connection.observe(KafkaError(.transport)) == .none)
        #expect(connection.observe(KafkaError(.allBrokersDown)) == .none)
        #expect(connection.observeAnswer() == .cameUp)
        #expect(connection.observeAnswer() == .none)
        #expect(connection.observe(KafkaError(.transport)) == .wentDown(KafkaError(.transport)))
    }

    @Test func anotherReasonIsNews() {
        var connection = BrokerConnection()
        _ = connection.observe(KafkaError(.transport))
        #expect(connection.observe(KafkaError(.authentication)) == .wentDown(KafkaError(.authentication)))
        #expect(connection.status == .down(KafkaError(.authentication)))
    }

    @Test func whatIsNoOutageIsIgnored() {
        var connection = BrokerConnection()
        #expect(connection.observe(KafkaError(.messageTooLarge)) == .none)
        #expect(connection.status == .unknown)
    }
}
