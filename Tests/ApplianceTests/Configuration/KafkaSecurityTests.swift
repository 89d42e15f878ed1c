import Kafka
import Testing

@testable import Appliance

@Suite struct KafkaSecurityTests {
    private func section(_ text: String, files: [String: String] = [:]) throws -> KafkaSection {
        try ConfigurationFileTests.read(
            "kafka:\n  bootstrap_servers: kafka\n" + text, needs: [.kafka], files: files
        ).configuration.kafka
    }

    private func problems(_ text: String) -> [String] {
        ConfigurationFileTests.problems("kafka:\n  bootstrap_servers: kafka\n" + text, needs: [.kafka])
    }

    @Test func `tls and sasl become librdkafka's properties`() throws {
        let kafka = try section(
            """
              tls: { ca_file: /ca.pem, certificate_file: /c.pem, key_file: /k.pem, key_password_file: /kp }
              sasl: { mechanism: SCRAM-SHA-512, username: relay, password_file: /p }
            """, files: ["/kp": "open sesame\n", "/p": "hush\n"])
        #expect(
            kafka.client().properties == [
                "security.protocol": "sasl_ssl", "ssl.ca.location": "/ca.pem", "ssl.certificate.location": "/c.pem",
                "ssl.key.location": "/k.pem", "ssl.key.password": "open sesame", "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "relay", "sasl.password": "hush",
            ])
    }

    @Test(arguments: [
        ("  tls: { enabled: true }", "ssl"), ("  tls: { enabled: false }", "plaintext"),
        ("  tls: { ca_file: /ca }", "ssl"),
        ("  sasl: { mechanism: PLAIN, username: u, password: p }", "sasl_plaintext"),
    ])
    func `the protocol follows from what is given`(_ text: String, _ expected: String) throws {
        #expect(try section(text).properties["security.protocol"] == expected)
    }

    @Test func `nothing said leaves everything to the properties`() throws {
        #expect(try section("  properties: { security.protocol: ssl }").properties == ["security.protocol": "ssl"])
    }

    @Test func `tokens come from a file or an endpoint`() throws {
        let file = try section("  sasl: { mechanism: OAUTHBEARER, token_file: /t, extensions: [logicalCluster=lkc-1] }")
        #expect(file.client().tokens == TokenSource(.file("/t"), extensions: ["logicalCluster": "lkc-1"]))
        let endpoint = try section(
            """
              sasl:
                mechanism: OAUTHBEARER
                token_url: https://login/token
                client_id: relay
                client_secret_file: /s
                scope: kafka
                token_ca_file: /ca
            """, files: ["/s": "hush"])
        guard case .endpoint(let given) = endpoint.tokens?.origin else {
            Issue.record("no endpoint")
            return
        }
        #expect(given.url.description == "https://login:443/token")
        #expect(given.clientID == "relay" && given.clientSecret == "hush" && given.scope == "kafka")
        #expect(given.authoritiesFile == "/ca")
    }

    @Test(arguments: [
        ("  tls: { enabled: false, ca_file: /ca }", "is false, but other keys"),
        ("  tls: { certificate_file: /c }", "needs \"kafka.tls.key_file\" too"),
        ("  tls: { key_file: /c }", "needs \"kafka.tls.certificate_file\" too"),
        ("  tls: { cafile: /c }", "did you mean \"ca_file\"?"),
        ("  sasl: { username: u }", "needs \"kafka.sasl.mechanism\" too"),
        ("  sasl: { mechanism: SCRAM-SHA-1 }", "must be one of"),
        ("  sasl: { mechanism: PLAIN, username: u }", "\"kafka.sasl.password\" is required"),
        ("  sasl: { mechanism: PLAIN, username: u, password: p, token_file: /t }", "is for the mechanism OAUTHBEARER"),
        ("  sasl: { mechanism: OAUTHBEARER, password: p, token_file: /t }", "is for another mechanism"),
        ("  sasl: { mechanism: OAUTHBEARER }", "needs \"kafka.sasl.token_file\" or"),
        ("  sasl: { mechanism: OAUTHBEARER, token_file: /t, scope: s }", "needs \"kafka.sasl.token_url\" too"),
        (
            "  sasl: { mechanism: OAUTHBEARER, token_url: \"http://far/t\", client_id: i, client_secret: s }",
            "http is for this machine only"
        ),
        (
            "  sasl: { mechanism: OAUTHBEARER, token_url: \"https://far/t\", client_id: i }",
            "client_secret\" is required"
        ),
        ("  sasl: { mechanism: OAUTHBEARER, token_file: /t, extensions: [auth=x] }", "name=value"),
        (
            "  sasl: { mechanism: PLAIN, username: u, password: p }\n  properties: { sasl.password: q }",
            "not both"
        ),
        ("  properties: { sasl.mechanism: OAUTHBEARER, security.protocol: sasl_ssl }", "set \"kafka.sasl.mechanism\""),
        ("  properties: { lingr.ms: 5 }", "did you mean \"linger.ms\"?"),
        ("  properties: { sasl.pasword: p }", "did you mean \"sasl.password\"?"),
        ("  properties: { sasl.oauthbearer.client.id: p }", "\"kafka.sasl.token_url\""),
    ])
    func `what does not fit together is told`(_ text: String, _ message: String) {
        let problems = problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(message) == true, "\(problems)")
    }

    @Test func `no secret is shown`() throws {
        let loaded = try ConfigurationFileTests.read(
            """
            kafka:
              bootstrap_servers: kafka
              tls: { certificate_file: /c, key_file: /k, key_password: hush1 }
              sasl: { mechanism: PLAIN, username: relay, password: hush2 }
            """, needs: [.kafka])
        let shown = ConfigurationReport.text(loaded.configuration.entries)
        #expect(!shown.contains("hush") && shown.contains("username: relay"))
    }
}
