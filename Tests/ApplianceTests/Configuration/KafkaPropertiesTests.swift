import Testing

@testable import Appliance

@Suite struct KafkaPropertiesTests {
    @Test func `properties that break the promise, are unknown or wrong are refused on their own line`() {
        let problems = ConfigurationFileTests.problems(
            """
            kafka:
              bootstrap_servers: kafka
              properties:
                acks: 1
                linger.ms: fast
                nonsense: 1
                compression.type: lz4
                sasl.password: hush
            """, needs: [.kafka])
        #expect(problems.count == 3)
        #expect(problems.first?.hasPrefix(#"godwit.yaml:4: "kafka.properties.acks" may not be set: "#) == true)
        #expect(
            problems.dropFirst().first?.hasPrefix(#"godwit.yaml:5: "kafka.properties.linger.ms" is "fast", but takes"#)
                == true)
        #expect(problems.last?.hasPrefix(#"godwit.yaml:6: "kafka.properties.nonsense" is refused"#) == true)
        #expect(!problems.joined().contains("hush"))
    }
}
