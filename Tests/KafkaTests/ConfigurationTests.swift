import Testing

@testable import Kafka

@Suite struct ConfigurationTests {
    private func error(_ properties: [String: String]) -> KafkaError? {
        do throws(KafkaError) {
            try ClientConfiguration(bootstrapServers: "127.0.0.1:1", properties: properties).validate()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "acks", "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "message.timeout.ms",
        "delivery.timeout.ms", "retries", "message.send.max.retries", "transactional.id", "partitioner",
        "queuing.strategy", "delivery.report.only.error", "test.mock.num.brokers", "bootstrap.servers", "dr_msg_cb",
    ])
    func `what would break the promise is refused`(_ name: String) {
        let error = error([name: "1"])
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("`\(name)` cannot be set: ") == true)
    }

    @Test func `more than five requests in flight are refused`() {
        #expect(error(["max.in.flight": "6"]) != nil)
        #expect(error(["max.in.flight.requests.per.connection": "6"]) != nil)
        #expect(error(["max.in.flight": "5"]) == nil)
    }

    @Test func `what breaks no promise is taken`() {
        #expect(
            error([
                "compression.type": "lz4", "linger.ms": "20", "batch.size": "50000", "security.protocol": "sasl_ssl",
                "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "u", "sasl.password": "p",
            ]) == nil)
    }

    @Test func `unknown and invalid properties are named`() {
        #expect(error(["linger.msec": "1"])?.message == "`linger.msec` is not a property that this librdkafka knows")
        let invalid = error(["compression.type": "zip"])
        #expect(invalid?.message.contains("`compression.type`") == true)
        #expect(invalid?.message.contains("zip") == true)
    }

    @Test func `a secret's value is never shown`() {
        let invalid = error(["ssl.key.pem": "hunter2"])
        #expect(invalid?.description.contains("hunter2") != true)
        #expect(error(["ssl_key_password": "hunter2"])?.description.contains("hunter2") != true)
        #expect(PropertyRule.isSecret("sasl.password"))
        #expect(PropertyRule.isSecret("ssl.key.password"))
        #expect(PropertyRule.isSecret("sasl.oauthbearer.client.secret"))
        #expect(PropertyRule.isSecret("some.new.thing"))
        #expect(!PropertyRule.isSecret("compression.type"))
        #expect(!PropertyRule.isSecret("ssl.ca.location"))
    }

    @Test func `no brokers is an error`() {
        #expect(throws: KafkaError.self) { try ClientConfiguration(bootstrapServers: "").validate() }
    }
}
