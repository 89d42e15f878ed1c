import Foundation
import KafkaTestBroker
import TestSupport
import Testing

@Suite("Security", .enabled(if: ConformanceEnvironment.foreignBrokers == nil))
struct SecurityTests {
    @Test func `clients get in over TLS with the right password only`() async throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = ("\(directory.path)/cert.pem", "\(directory.path)/key.pem")
        let made = try await Command(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-out",
                certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            ]
        ).run()
        try #require(made.exitCode == 0, "\(made.standardError)")
        var configuration = BrokerConfiguration()
        configuration.users = ["relay": "se,c=ret"]
        configuration.tls = .init(certificateFile: certificate, keyFile: key)
        let broker = try await KafkaTestBroker.start(configuration)
        let result = try await ConformanceEnvironment.run(
            "security.py", [broker.bootstrapServers, certificate, "relay", "se,c=ret"])
        #expect(result.exitCode == 0, "\(result.standardOutput.suffix(600))\n\(result.standardError.suffix(1500))")
        await broker.stop()
    }

    @Test func `a certificate that is not there is told before anything listens`() async {
        var configuration = BrokerConfiguration()
        configuration.tls = .init(certificateFile: "/does/not/exist", keyFile: "/neither")
        let error = await #expect(throws: BrokerError.self) { try await KafkaTestBroker.start(configuration) }
        #expect(error?.code == .configuration)
    }

    @Test(arguments: [
        "0.0.0.0", "127.evil.example", "127.0.0.evil", "127.1", "::ffff:127.0.0.1", "localhost.evil.example",
    ])
    func `only loopback is listened on unless more is allowed`(host: String) async {
        var configuration = BrokerConfiguration()
        configuration.host = host
        let error = await #expect(throws: BrokerError.self) { try await KafkaTestBroker.start(configuration) }
        #expect(error?.code == .configuration)
    }

    @Test func `a port that is taken is told as such`() async throws {
        let first = try await KafkaTestBroker.start()
        var configuration = BrokerConfiguration()
        configuration.port = try #require(first.ports.first)
        let error = await #expect(throws: BrokerError.self) { try await KafkaTestBroker.start(configuration) }
        #expect(error?.code == .addressInUse)
        await first.stop()
    }
}
