import EventSourcing
import FoundationEssentials
import Glibc
import KafkaTestBroker
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance

/// Runs the commands with a secret wherever there can be one, through success and failure, as talkative as they can be.
@Suite struct SecretsTests {
    private enum Secret {
        static let database = "dbsecret-7f3a"
        static let wrongDatabase = "wrongdb-2b9c"
        static let kafka = "kafkasecret-91d2"
        static let wrongKafka = "wrongkafka-55e0"
        static let key = "key-password-of-this-test"
        static let client = "clientsecret-a31f"
        static let admin = "admintoken-c04e"
        static let signing = "signingsecret-18aa"
        static let all = [database, wrongDatabase, kafka, wrongKafka, key, client, admin, signing]
    }

    private struct Place {
        let files: TestCertificates
        let database: LocalPostgres
        let broker: KafkaTestBroker
        let port: AdminPort
        let token: String

        func write(_ name: String, _ text: String) throws -> String {
            let path = "\(files.folder)/\(name)"
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }

        func environment(_ more: [String: String] = [:]) throws -> [String: String] {
            [
                "GODWIT_DATABASE_URL": "postgres://postgres@127.0.0.1:\(database.port)/postgres",
                "GODWIT_DATABASE_PASSWORD_FILE": try write("db-password", Secret.database + "\n"),
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
                "GODWIT_KAFKA_TLS_CA_FILE": files.authority,
                "GODWIT_KAFKA_TLS_CERTIFICATE_FILE": files.client,
                "GODWIT_KAFKA_TLS_KEY_FILE": files.encryptedClientKey,
                "GODWIT_KAFKA_TLS_KEY_PASSWORD_FILE": try write("key-password", Secret.key),
                "GODWIT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256", "GODWIT_KAFKA_SASL_USERNAME": "relay",
                "GODWIT_KAFKA_SASL_PASSWORD_FILE": try write("kafka-password", Secret.kafka),
                "GODWIT_KAFKA_PROPERTIES_DEBUG": "all", "GODWIT_LOG_LEVEL": "trace",
                "GODWIT_ADMIN_LISTEN": "127.0.0.1:\(port.port)",
                "GODWIT_ADMIN_TOKEN_FILE": try write("admin-token", Secret.admin),
                "GODWIT_CONSUMERS_ALL_TOPIC": "all", "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_WORKER_POLL_INTERVAL": "50ms",
            ].merging(more) { $1 }.filter { !$0.value.isEmpty }
        }

        func run(
            _ arguments: [String], _ more: [String: String] = [:], input: String? = nil
        ) async throws -> Command.Result {
            var command = Command.godwit(environment: try environment(more), input: input)
            command.arguments = arguments
            return try await command.run()
        }

        /// No output holds a secret, in one form or another.
        func check(_ text: String, _ what: String) {
            let secrets = Secret.all + [token] + Secret.all.map { Data($0.utf8).base64EncodedString() }
            for secret in secrets where text.contains(secret) {
                let line = text.split(separator: "\n").first { $0.contains(secret) } ?? ""
                Issue.record("\(what) shows \(secret): \(line.prefix(300))")
            }
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        let files = try await TestCertificates()
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: Secret.database)
        let database = try await LocalPostgres.start(options)
        var configuration = BrokerConfiguration()
        configuration.tls = .init(
            certificateFile: files.server, keyFile: files.serverKey, clientAuthoritiesFile: files.authority)
        configuration.users = ["relay": Secret.kafka]
        configuration.tokenSecret = Secret.signing
        let broker = try await KafkaTestBroker.start(configuration)
        let expiry = Int64(Date().timeIntervalSince1970) + 600
        let place = Place(
            files: files, database: database, broker: broker, port: try AdminPort(),
            token: configuration.token(for: "relay", until: expiry) ?? "")
        do {
            try await body(place)
        } catch {
            await broker.stop()
            await database.stop()
            throw error
        }
        await broker.stop()
        await database.stop()
    }

    private static let noPassword = [
        "GODWIT_KAFKA_SASL_USERNAME": "", "GODWIT_KAFKA_SASL_PASSWORD_FILE": "",
        "GODWIT_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    ]

    @Test(.timeLimit(.minutes(4)))
    func `no secret shows, whatever is asked and whatever goes wrong`() async throws {
        try await with { place in
            let migrated = try await place.run(["migrate"])
            try #require(migrated.exitCode == 0, "\(migrated.standardError)")
            place.check(migrated.standardError + migrated.standardOutput, "migrate")
            for arguments in [["config", "show"], ["config", "show", "--json"], ["config", "check"]] {
                let shown = try await place.run(arguments)
                #expect(shown.exitCode == 0)
                place.check(shown.standardOutput + shown.standardError, "\(arguments)")
            }
            try await relays(place, [:], "run with SCRAM")
            let token = try place.write("token", place.token)
            try await relays(
                place, Self.noPassword.merging(["GODWIT_KAFKA_SASL_TOKEN_FILE": token]) { $1 }, "run with a token")

            let wrongKafka = try place.write("wrong-kafka", Secret.wrongKafka)
            let wrongDatabase = try place.write("wrong-database", Secret.wrongDatabase)
            let failures: [(Int32, [String: String])] = [
                (21, ["GODWIT_KAFKA_SASL_PASSWORD_FILE": wrongKafka]),
                (11, ["GODWIT_DATABASE_PASSWORD_FILE": wrongDatabase]),
                (
                    11,
                    [
                        "GODWIT_DATABASE_PASSWORD_FILE": "",
                        "GODWIT_DATABASE_URL":
                            "postgres://postgres:\(Secret.wrongDatabase)@127.0.0.1:\(place.database.port)/postgres",
                    ]
                ),
                (78, ["GODWIT_DATABASE_URL": "postgres://postgres:\(Secret.wrongDatabase)@h:p/x?nonsense=1"]),
                (78, ["GODWIT_DATABASE_URL": Secret.wrongDatabase]),
                (78, ["GODWIT_KAFKA_TLS_KEY_PASSWORD_FILE": wrongKafka]),
                (78, ["GODWIT_KAFKA_PROPERTIES_SSL_KEY_PEM": Secret.key]),
                (78, ["GODWIT_KAFKA_SASL_PASSWORD": Secret.kafka]),
                (21, ["GODWIT_KAFKA_TLS_CA_FILE": place.files.strangeAuthority]),
                (21, Self.noPassword.merging(["GODWIT_KAFKA_SASL_TOKEN_FILE": wrongKafka]) { $1 }),
                (
                    21,
                    Self.noPassword.merging([
                        "GODWIT_KAFKA_SASL_TOKEN_URL": "http://127.0.0.1:1/token",
                        "GODWIT_KAFKA_SASL_CLIENT_ID": "relay", "GODWIT_KAFKA_SASL_CLIENT_SECRET": Secret.client,
                    ]) { $1 }
                ),
                (
                    78,
                    Self.noPassword.merging([
                        "GODWIT_KAFKA_SASL_TOKEN_URL": "https://relay:\(Secret.client)@h/token",
                        "GODWIT_KAFKA_SASL_CLIENT_ID": "relay", "GODWIT_KAFKA_SASL_CLIENT_SECRET": Secret.client,
                    ]) { $1 }
                ),
            ]
            for (code, change) in failures {
                let failed = try await place.run(["run"], change)
                #expect(failed.exitCode == code, "\(change.keys): \(failed.standardError.suffix(600))")
                place.check(failed.standardOutput + failed.standardError, "run with \(change.keys.sorted())")
            }
        }
    }

    /// Relays an event, asks the admin port everything, and ends.
    private func relays(_ place: Place, _ more: [String: String], _ what: String) async throws {
        let relay = try Command.godwit("run", environment: place.environment(more)).start()
        let appended = try await place.run(
            ["append"], [:],
            input: #"{"bounded_context":"A","aggregate_type":"B","aggregate_id":"c","event_type":"D","payload":{}}"#)
        #expect(appended.exitCode == 0, "\(appended.standardError)")
        let port = place.port
        try await eventually("the event is published") {
            (try? await port.metric("godwit_kafka_records_published_total").values.contains { $0 > 0 }) == true
        }
        for path in ["/metrics", "/api/status", "/healthz", "/readyz", "/"] {
            place.check(try await port.get(path).body, "\(what), \(path)")
        }
        relay.send(SIGTERM)
        let result = await relay.result()
        #expect(result.exitCode == 0, "\(result.standardError.suffix(500))")
        place.check(result.standardOutput + result.standardError, what)
        #expect(result.standardError.contains("SCRAM") || result.standardError.contains("OAUTHBEARER"))
    }
}
