import FoundationEssentials
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Plants a secret wherever users put one, rightly or wrongly, and looks for any part of it in all that is written.
///
/// `GODWIT_PLANTED_SECRETS` is how many; `GODWIT_SEED` the first seed.
@Suite struct PlantedSecretsTests {
    /// A secret in two recognizable parts with something between that URLs, YAML or libpq read in their own way.
    private struct Secret {
        let parts: [String]
        let text: String

        init(_ random: inout Seeded) {
            func part() -> String {
                let letters = Array("abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789")
                return "Zq" + String((0..<8).map { _ in letters.randomElement(using: &random) ?? "x" })
            }
            let between = [
                "/", "@", "?", "#", ":", "%", "%zz", "%2", " ", "&", "=", "'", "\"", "\\", "+", ";", ",", "://", "]",
                "[", "{", "}",
                "|", "!", "*", "-", "/@", "@/", "?x=", "&sslmode=", "&dbname=", " dbname=", "\t", "\n", "ü",
                "$", "`", "~", "^",
                "<>", "",
            ]
            let first = part()
            let second = part()
            parts = [first, second]
            // A number in front looks like a port.
            let front = Int.random(in: 0..<4, using: &random) == 0 ? "12/" : ""
            text = front + first + (between.randomElement(using: &random) ?? "/") + second
        }

        var encoded: String {
            text.utf8.map { byte in
                let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }
    }

    private typealias Place = (key: String, value: @Sendable (Secret) -> String)

    private static let texts: [Place] = [
        ("database.url", { "postgres://relay:\($0.text)@127.0.0.1:1/app" }),
        ("database.url", { "postgres://relay:\($0.encoded)@127.0.0.1:1/app" }),
        ("database.url", { "postgresql://relay:\($0.text)@127.0.0.1:1" }),
        ("database.url", { "postgres://127.0.0.1:1/app?user=relay&password=\($0.text)" }),
        // With other characters it may read as port and database, or as password and host, of which nobody can tell.
        ("database.url", { "postgres://relay:x\($0.parts[0])" }),
        ("database.url", { "postgres://relay:x\($0.parts[0])/app" }),
        ("database.url", { "host=127.0.0.1 port=1 password=\($0.text) dbname=app" }),
        ("database.url", { "host=127.0.0.1 port=1 user=u password='\($0.text)'" }),
        ("database.url", { "host=127.0.0.1 port=1 dbname=app password=\($0.text)" }),
        ("database.url", { "jdbc:postgresql://127.0.0.1:1/app?password=\($0.text)" }),
        ("database.url", { "dbname='postgres://relay:\($0.text)@127.0.0.1:1/app'" }),
        ("database.url", { $0.text }),
        ("database.password", { $0.text }), ("kafka.sasl.password", { $0.text }), ("admin.token", { $0.text }),
        ("kafka.sasl.client_secret", { $0.text }), ("kafka.tls.key_password", { $0.text }),
        ("kafka.sasl.token_url", { "https://id:\($0.text)@login.example/token" }),
        ("kafka.sasl.token_url", { "https://login.example/token?client_secret=\($0.encoded)" }),
        ("kafka.sasl.token_url", { "http://127.0.0.1/token?code=\($0.encoded)" }),
        ("kafka.bootstrap_servers", { "relay:\($0.text)@kafka:9092" }),
        ("kafka.bootstrap_servers", { "SASL_SSL://relay:\($0.text)@kafka:9092" }),
        ("admin.listen", { "admin:\($0.text)@127.0.0.1:9464" }),
        ("log.level", { "postgres://relay:\($0.text)@h/d" }),
        ("worker.batch_size", { "password=\($0.text)" }),
        ("consumers.all.cloudevents_source", { "https://id:\($0.text)@shop.example/x" }),
    ]

    private static let properties: [Place] = [
        ("sasl.password", { $0.text }), ("ssl.key.password", { $0.text }), ("ssl.key.pem", { $0.text }),
        (
            "sasl.jaas.config",
            {
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"\($0.text)\";"
            }
        ),
        ("https.proxy", { "http://u:\($0.text)@proxy:3128" }), ("sasl.oauthbearer.client.secret", { $0.text }),
        ("sasl.oauthbearer.config", { "secret=\($0.text)" }), ("ssl.keystore.password", { $0.text }),
        ("sasl.pasword", { $0.text }), ("client.id", { "u:\($0.text)@h" }),
        ("metadata.max.age.ms", { "token=\($0.text)" }),
        ("bootstrap.servers", { "u:\($0.text)@kafka" }), ("debug", { "password=\($0.text)" }),
    ]

    private struct Case {
        var file = ""
        var environment: [String: String] = [:]
        var files: [String: String] = [:]
    }

    private static func plant(_ secret: Secret, _ random: inout Seeded) -> Case {
        var given: [String: String] = [
            "database.url": "postgres://relay@127.0.0.1:1/app", "kafka.bootstrap_servers": "127.0.0.1:1",
            "consumers.all.topic": "all",
        ]
        if Int.random(in: 0..<3, using: &random) == 0 { given["worker.poll_interval"] = "5 minutes" }
        if Int.random(in: 0..<4, using: &random) == 0 {
            given.merge(["kafka.sasl.mechanism": "OAUTHBEARER", "kafka.sasl.client_id": "id"]) { $1 }
        } else if Int.random(in: 0..<3, using: &random) == 0 {
            given.merge(["kafka.sasl.mechanism": "PLAIN", "kafka.sasl.username": "u"]) { $1 }
        }
        let isProperty = Int.random(in: 0..<3, using: &random) == 0
        guard let place = (isProperty ? properties : texts).randomElement(using: &random) else { return Case() }
        let value = place.value(secret)
        var made = Case()
        let path = isProperty ? "kafka.properties.\(place.key)" : place.key
        let takesFile = isProperty || ConfigurationSchema.key(path)?.takesFile == true
        given[path] = nil
        // A line break in plain YAML is another line, whatever it was meant to be.
        let hasLines = value.contains("\n") || value.contains("\t")
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where takesFile:
            made.files["/run/secret"] = value + (Bool.random(using: &random) ? "\n" : "")
            made.environment[variable(path) + "_FILE"] = "/run/secret"
        case 1: made.environment[variable(path)] = value
        case 2 where !hasLines:
            made.file = yaml(path, isProperty ? place.key : nil, value)
            if place.key.hasPrefix("database") { given["database.url"] = nil }
        default: made.file = yaml(path, isProperty ? place.key : nil, JSONValue.string(value).text)
        }
        for (key, value) in given { made.environment[variable(key)] = value }
        return made
    }

    private static func variable(_ path: String) -> String { "GODWIT_" + ConfigurationKey.environmentName(path) }

    private static func yaml(_ path: String, _ property: String?, _ value: String) -> String {
        let words = property.map { ["kafka", "properties", $0] } ?? path.split(separator: ".").map(String.init)
        return words.enumerated().map { depth, word in
            String(repeating: "  ", count: depth) + word + ":" + (depth == words.count - 1 ? " \(value)\n" : "\n")
        }.joined()
    }

    /// All that commands write of it.
    private func output(_ made: Case) -> (text: String, connection: ConnectionConfiguration?) {
        let needs: Set<Configuration.Need> = [.database, .kafka, .consumers]
        do throws(ConfigurationError) {
            let loaded = try ConfigurationFileTests.read(
                made.file, environment: made.environment, needs: needs, files: made.files)
            let configuration = loaded.configuration
            var lines = loaded.warnings.flatMap { [$0.line, $0.description, $0.json.text] }
            lines += [
                ConfigurationReport.text(configuration.entries), ConfigurationReport.json(configuration.entries).text,
                configuration.database.connection?.redactedDescription ?? "", configuration.kafka.bootstrapServers,
            ]
            if case .endpoint(let endpoint) = configuration.kafka.tokens?.origin { lines.append("\(endpoint.url)") }
            do throws(KafkaError) { try configuration.kafka.client().validate() } catch { lines.append("\(error)") }
            return (lines.joined(separator: "\n"), configuration.database.connection)
        } catch {
            let lines = error.problems.flatMap { [$0.line, $0.description, $0.json.text] }
            return ((lines + [Failure(error).message, "\(error)"]).joined(separator: "\n"), nil)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `no part of a secret shows, wherever it was written`() async throws {
        let count = ProcessInfo.processInfo.environment["GODWIT_PLANTED_SECRETS"].flatMap { Int($0) } ?? 2_000
        var (accepted, attempts) = (0, 0)
        for seed in seeds(count, of: "planted secrets") {
            var random = Seeded(seed)
            let secret = Secret(&random)
            let made = Self.plant(secret, &random)
            var (text, connection) = output(made)
            if let connection {
                accepted += 1
                // Nobody listens there: the error is libpq's.
                if attempts < 200 {
                    attempts += 1
                    do { await (try Connection.open(connection)).close() } catch { text += "\n\(error)" }
                }
            }
            for part in secret.parts where text.contains(part) {
                let line = text.split(separator: "\n").first { $0.contains(part) } ?? ""
                Issue.record("seed \(seed) shows a part of \(secret.text): \(line.prefix(400)) for \(made)")
            }
        }
        // Both ways are taken often.
        #expect(accepted > count / 10 && accepted < count * 9 / 10, "\(accepted) of \(count)")
    }
}
