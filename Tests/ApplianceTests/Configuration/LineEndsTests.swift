import KafkaBridge
import Logging
import Postgres
import Testing

@testable import Appliance

@Suite struct LineEndsTests {
    private func read(
        _ text: String = "", environment: [String: String] = [:], files: [String: String] = [:]
    ) throws -> Configuration.Loaded {
        try ConfigurationFileTests.read(
            "kafka: { bootstrap_servers: \"127.0.0.1\" }\n" + text, environment: environment, needs: [], files: files)
    }

    @Test(arguments: ["hush\n", "hush\r\n", "\u{FEFF}hush", "\u{FEFF}hush\n"])
    func `what a program wrote around a secret is taken off, and said where it is not usual`(given: String) throws {
        let variable = try read(environment: ["GODWIT_ADMIN_TOKEN": given])
        #expect(variable.configuration.admin.token == "hush")
        #expect(variable.warnings.map(\.code) == [.lineEnd])
        #expect(!variable.warnings[0].line.contains("hush"))
        let file = try read("admin: { token_file: /t }", files: ["/t": given])
        #expect(file.configuration.admin.token == "hush" && file.warnings.isEmpty)
    }

    @Test func `a block of YAML ends in a line break too`() throws {
        let loaded = try read("admin:\n  token: |\n    hush\n")
        #expect(loaded.configuration.admin.token == "hush" && loaded.warnings.map(\.code) == [.lineEnd])
    }

    @Test(arguments: ["hu\nsh", "hush\n\n", "hu\rsh", "\nhush", "hu\0sh"])
    func `a line break within a secret is an error, wherever it comes from`(given: String) {
        let codes = ConfigurationLevelsTests.codes
        #expect(codes(nil, ["GODWIT_ADMIN_TOKEN": given], [:]) == [.lineBreak])
        #expect(codes("admin: { token_file: /t }", [:], ["/t": given]) == [.lineBreak])
        #expect(codes(nil, ["GODWIT_DATABASE_PASSWORD": given], [:]) == [.lineBreak])
        #expect(codes("kafka: { properties: { sasl.password_file: /t } }", [:], ["/t": given]) == [.lineBreak])
    }

    @Test func `other values are held to one line too`() throws {
        let loaded = try read(
            "log: { level: \"debug\\n\" }",
            environment: [
                "GODWIT_WORKER_BATCH_SIZE": "5\n", "GODWIT_CONSUMERS_A_TOPIC": "a\r\n",
                "GODWIT_CONSUMERS_A_BOUNDED_CONTEXTS": "A, B\n", "GODWIT_KAFKA_PROPERTIES_CLIENT_RACK": "r\n",
            ])
        let configuration = loaded.configuration
        #expect(configuration.log.level == .debug && configuration.worker.batchSize == 5)
        #expect(configuration.consumers[0].topic?.description == "a")
        #expect(configuration.consumers[0].boundedContexts == ["A", "B"])
        #expect(configuration.kafka.properties["client.rack"] == "r")
        #expect(loaded.warnings.map(\.code) == [ConfigurationProblem.Code](repeating: .lineEnd, count: 5))
        #expect(
            ConfigurationLevelsTests.codes(
                nil, environment: ["GODWIT_CONSUMERS_A_TOPIC": "a", "GODWIT_CONSUMERS_A_HEADER_PREFIX": "x\ny"])
                == [.lineBreak])
    }

    @Test func `spaces around a secret are a warning, and kept`() throws {
        for given in [" hush", "hush ", "\thush"] {
            let loaded = try read(environment: ["GODWIT_ADMIN_TOKEN": given])
            #expect(loaded.configuration.admin.token == given && loaded.warnings.map(\.code) == [.secretSpace])
        }
    }

    @Test func `a connection string may have lines, and a key in PEM has`() throws {
        let loaded = try read("database: { url_file: /u }", files: ["/u": "host=db\nuser=u\n"])
        #expect(loaded.configuration.database.connection?.redactedDescription == "u@db/u")
        #expect(loaded.warnings.isEmpty)
        let codes = ConfigurationLevelsTests.codes("database: { url_file: /u }", files: ["/u": "postgres://u@db/a\nx"])
        #expect(codes == [.databaseURL])
        // librdkafka looks at the key when it is set: it is no key, but its lines are not what is wrong with it.
        let found = ConfigurationLevelsTests.codes(
            "kafka: { properties: { ssl.key.pem_file: /k } }", files: ["/k": "-----BEGIN\nx\n-----END\n"])
        #expect(!found.contains(.lineBreak))
    }
}
