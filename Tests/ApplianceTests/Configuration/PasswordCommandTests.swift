import Kafka
import Postgres
import Testing

@testable import Appliance

/// `database.password_command`, and what may not stand beside it.
@Suite struct PasswordCommandTests {
    private func text(_ database: String) -> String {
        """
        database:
          url: "postgres://relay@db/app"
        \(database)
        kafka: { bootstrap_servers: "kafka:9092" }
        consumers: { identity: { topic: identity } }
        """
    }

    @Test func `a list names the program and its arguments`() throws {
        let configuration = try ConfigurationFileTests.read(
            text("  password_command: [aws, rds, \"generate, this\"]\n  password_command_timeout: 3s")
        ).configuration
        guard case .command? = configuration.database.connection?.passwordSource else {
            Issue.record("no command")
            return
        }
        let entry = configuration.entries.first { $0.path == ["database", "password_command"] }
        #expect(entry?.value == .list(["aws", "rds", "generate, this"]))
    }

    @Test func `the environment separates words by commas`() throws {
        let configuration = try ConfigurationFileTests.read(
            text(""), environment: ["GODWIT_DATABASE_PASSWORD_COMMAND": "cat, /run/token"]
        ).configuration
        let entry = configuration.entries.first { $0.path == ["database", "password_command"] }
        #expect(entry?.value == .list(["cat", "/run/token"]))
    }

    @Test func `only one source of a password is given`() {
        let both = text("  password: hush\n  password_command: [cat, x]")
        #expect(
            ConfigurationFileTests.problems(both) == [
                "godwit.yaml:4: \"database.password_command\" and \"database.password\" are given; give one, not both"
            ])
        let file = text("  password_file: /f\n  password_command: [cat, x]")
        #expect(
            ConfigurationFileTests.problems(file, files: ["/f": "hush"]) == [
                "godwit.yaml:4: \"database.password_command\" and \"database.password_file\" are given; give one, not both"
            ])
        #expect(
            ConfigurationFileTests.problems(text("  password_command_timeout: 3s")) == [
                "godwit.yaml:3: \"database.password_command_timeout\" needs \"database.password_command\" too"
            ])
        #expect(
            ConfigurationFileTests.problems(text("  password_command: []")) == [
                "godwit.yaml:3: \"database.password_command\" names no program; write [program, argument, …]"
            ])
    }

    @Test func `files are kept, to be read again`() throws {
        let files = ["/p": "hush\n", "/u": "postgres://relay@db/app", "/k": "pass"]
        let configuration = try ConfigurationFileTests.read(
            """
            database: { url_file: /u, password_file: /p }
            kafka:
              bootstrap_servers: "kafka:9092"
              sasl: { mechanism: PLAIN, username: u, password_file: /k }
              properties: { ssl.key.password_file: /k }
            consumers: { identity: { topic: identity } }
            """, files: files
        ).configuration
        let connection = configuration.database.connection
        #expect(connection?.connectionStringFile == "/u")
        guard case .file("/p")? = connection?.passwordSource else {
            Issue.record("no file")
            return
        }
        #expect(configuration.kafka.client().secretFiles == ["sasl.password": "/k", "ssl.key.password": "/k"])
    }
}
