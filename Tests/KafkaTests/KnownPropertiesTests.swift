import Testing

@testable import Kafka

@Suite struct KnownPropertiesTests {
    private func flaw(_ name: String, _ value: String) -> String? { KnownProperties.flaw(of: name, value: value) }

    @Test func `the linked librdkafka describes its properties`() {
        #expect(KnownProperties.all["batch.size"]?.kind == .integer(1...2_147_483_647))
        #expect(KnownProperties.all["linger.ms"]?.kind == .float(0...900_000))
        #expect(KnownProperties.all["linger.ms"]?.original == "queue.buffering.max.ms")
        #expect(KnownProperties.all["sasl.password"]?.kind == .other)
        for name in ["compression.type", "ssl.key.pem", "sasl.username", "debug"] {
            #expect(KnownProperties.names.contains(name))
        }
        #expect(!KnownProperties.names.contains("dr_msg_cb"))
        let numbers = KnownProperties.all.values.filter { $0.kind != .other }
        #expect(numbers.count > 50)
    }

    @Test(arguments: [
        ("queue.buffering.max.kbytes", "32MiB"), ("batch.size", "1_000_000"), ("batch.size", "1,000"),
        ("batch.size", "1e6"),
        ("batch.size", "0x10000"), ("batch.size", "010"), ("batch.size", " 5000"), ("batch.size", "5000 "),
        ("batch.size", "+5000"), ("batch.size", "4294967297"), ("batch.size", "0"), ("batch.size", "5.0"),
        ("max.in.flight", "0x10"), ("compression.level", "9x"), ("compression.level", "--1"),
        ("socket.timeout.ms", "60s"),
        ("linger.ms", "5s"), ("linger.ms", "5ms"), ("linger.ms", "5,5"), ("linger.ms", "nan"), ("linger.ms", "inf"),
        ("linger.ms", "1e3"), ("linger.ms", "0x5"), ("linger.ms", ".5"), ("linger.ms", "5."), ("linger.ms", "-1"),
        ("queue.buffering.max.ms", "fast"), ("statistics.interval.ms", "18446744073709551617"), ("batch.size", "٣"),
    ])
    func `a text of which librdkafka would read a part is refused`(name: String, value: String) throws {
        #expect(try #require(flaw(name, value)).contains("number"))
        let error = #expect(throws: KafkaError.self) {
            try ClientConfiguration(bootstrapServers: "k", properties: [name: value]).validate()
        }
        #expect(error?.code == .configuration)
    }

    @Test(arguments: [
        ("batch.size", "1000000"), ("linger.ms", "5"), ("linger.ms", "0.5"), ("linger.ms", "0"),
        ("compression.level", "-1"),
        ("compression.type", "LZ4"), ("socket.keepalive.enable", "true"), ("socket.keepalive.enable", "1"),
        ("client.id", "0x"),
    ])
    func `what librdkafka reads as it was written is taken`(name: String, value: String) {
        #expect(flaw(name, value) == nil)
        #expect(throws: Never.self) {
            try ClientConfiguration(bootstrapServers: "k", properties: [name: value]).validate()
        }
    }

    @Test(arguments: [
        ("socket.keepalive.enable", "yes"), ("socket.keepalive.enable", "on"), ("compression.type", "lz4 "),
        ("security.protocol", "tls"), ("debug", "brokr"),
    ])
    func `librdkafka itself refuses words that it does not know`(name: String, value: String) {
        #expect(throws: KafkaError.self) {
            try ClientConfiguration(bootstrapServers: "k", properties: [name: value]).validate()
        }
    }

    @Test func `two names of one property with two values contradict each other`() {
        let both = ["linger.ms": "5", "queue.buffering.max.ms": "6", "batch.size": "1"]
        #expect(KnownProperties.contradiction(to: "linger.ms", in: both) == "queue.buffering.max.ms")
        #expect(KnownProperties.contradiction(to: "queue.buffering.max.ms", in: both) == "linger.ms")
        #expect(KnownProperties.contradiction(to: "batch.size", in: both) == nil)
        #expect(
            KnownProperties.contradiction(to: "linger.ms", in: ["linger.ms": "5", "queue.buffering.max.ms": "5"]) == nil
        )
    }

    @Test func `properties that turn verification off are known in any spelling`() {
        for value in ["false", "FALSE", "f", "0"] {
            #expect(PropertyRule.trustsAnyBroker(["enable.ssl.certificate.verification": value]).count == 1, "\(value)")
        }
        #expect(PropertyRule.trustsAnyBroker(["ssl.endpoint.identification.algorithm": "None"]).count == 1)
        #expect(
            PropertyRule.trustsAnyBroker([
                "enable.ssl.certificate.verification": "true", "ssl.endpoint.identification.algorithm": "https",
            ]).isEmpty)
    }
}
