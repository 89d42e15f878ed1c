package import Kafka
package import KafkaTestBroker
package import Testing

extension Trait where Self == ConditionTrait {
    /// For what only a broker of the test's own offers.
    package static var onEmbeddedBroker: Self {
        .enabled(if: TestKafka.outside == nil, "injects faults, which the brokers of GODWIT_TEST_KAFKA do not offer")
    }
}

extension KafkaTestBroker {
    /// Lets nobody in: every connection ends, and every new one at its first request.
    package func takeDown() async {
        await inject(Fault(.disconnect))
        await disconnectAll()
    }

    /// Serves again as if nothing had been.
    package func bringUp() async {
        await removeAllFaults()
    }
}

extension KafkaErrorCode {
    /// The protocol's code that a client reads as this one; not for codes of the client's own.
    package init(_ code: KafkaError.Code) {
        self.init(rawValue: Int16(code.rawValue))
    }
}
