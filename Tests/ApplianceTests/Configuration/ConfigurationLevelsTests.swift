import FoundationEssentials
import Testing

@testable import Appliance

/// Levels, codes, lines and columns of what is found.
@Suite struct ConfigurationLevelsTests {
    static func found(
        _ text: String?, environment: [String: String] = [:], files: [String: String] = [:],
        needs: Set<Configuration.Need> = []
    ) -> [ConfigurationProblem] {
        do throws(ConfigurationError) {
            return try ConfigurationFileTests.read(text, environment: environment, needs: needs, files: files).warnings
        } catch {
            return error.problems
        }
    }

    static func codes(
        _ text: String?, environment: [String: String] = [:], files: [String: String] = [:]
    ) -> [ConfigurationProblem.Code] {
        found(text, environment: environment, files: files).map(\.code)
    }

    @Test func `each finding has its line, column, code and the way to correct it`() throws {
        let found = Self.found(
            "kafka:\n  bootstrap_servers: k:0\n  properties:\n    linger.ms: 5s\n",
            environment: ["GODWIT_LOG_LEVL": "x"])
        #expect(found.map(\.code) == [.bootstrapServers, .property, .unknownVariable])
        #expect(found.map(\.level) == [.error, .error, .warning])
        #expect(found[1].line.hasPrefix("godwit.yaml:4:5: \"kafka.properties.linger.ms\" is \"5s\""))
        #expect(found[1].line.hasSuffix(" [property]"))
        #expect(found[2].line.hasPrefix("warning: GODWIT_LOG_LEVL: "))
        let json = found[1].json
        #expect(json["level"] == "error" && json["code"] == "property" && json["line"] == 4 && json["column"] == 5)
        #expect(json["file"] == "godwit.yaml" && json["fix"] == .string(ConfigurationProblem.Code.property.fix))
        #expect(found[2].json["variable"] == "GODWIT_LOG_LEVL")
    }

    @Test func `the page of the documentation has the table of codes`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/godwit/Documentation.docc/Configuration.md")
        let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
        #expect(text.contains(ConfigurationProblem.Code.markdown), "\(ConfigurationProblem.Code.markdown)")
        for code in ConfigurationProblem.Code.allCases {
            #expect(code.rawValue.allSatisfy { $0 == "-" || ($0.isLetter && $0.isLowercase) })
            #expect(code.meaning.hasSuffix(".") && !code.fix.hasSuffix("."))
        }
    }

    @Test func `a file with a byte order mark or another line end is read, a tab is pointed at`() {
        #expect(Self.found("\u{FEFF}log: { level: info }\nworker: { batch_size: 5 }\n").isEmpty)
        #expect(Self.found("log:\r\n  level: info\r\nworker:\r\n  batch_size: 5\r\n").isEmpty)
        let tab = Self.found("log:\n\tlevel: info\n")
        #expect(tab.map(\.code) == [.yamlSyntax])
        #expect(tab[0].line.hasPrefix("godwit.yaml:2:1: ") && tab[0].message.contains("a tab"))
        let umlaut = Self.found("# ä\nlog:\n\tlevel: info\n")
        #expect(umlaut.first?.message.contains("a tab") == true)
        let control = Self.found("log:\n  level: \"\u{1}\"\n")
        #expect(control.first?.line.hasPrefix("godwit.yaml:2:11: ") == true, "\(control)")
    }

    @Test func `a broker that is named twice, an unverified one and a password in clear are warnings`() {
        func codes(_ kafka: String) -> [ConfigurationProblem.Code] { Self.codes("kafka: { \(kafka) }") }
        #expect(codes("bootstrap_servers: \"a, b:9092, A:9092\"") == [.bootstrapRepeated])
        #expect(
            codes("bootstrap_servers: a, properties: { enable.ssl.certificate.verification: FALSE }") == [
                .brokersUnverified
            ])
        #expect(
            codes("bootstrap_servers: a, properties: { ssl.endpoint.identification.algorithm: none }")
                == [.brokersUnverified])
        let plain = "sasl: { mechanism: PLAIN, username: u, password: p }"
        #expect(codes("bootstrap_servers: a, \(plain)") == [.passwordInClear])
        #expect(codes("bootstrap_servers: a, \(plain), tls: { enabled: true }").isEmpty)
        #expect(codes("bootstrap_servers: \"127.0.0.1:9092\", \(plain)").isEmpty)
        #expect(codes("bootstrap_servers: \"127.evil.example:9092\", \(plain)") == [.passwordInClear])
    }

    @Test(arguments: ["", ", security.protocol: ssl", ", security.protocol: PLAINTEXT"])
    func `a login that the protocol does not use is a warning`(more: String) {
        let found = Self.found(
            "kafka:\n  bootstrap_servers: a\n  properties: { sasl.username: u, sasl.password: hush\(more) }\n")
        #expect(found.map(\.code) == [.saslUnused, .saslUnused])
        #expect(found.allSatisfy { $0.line.hasPrefix("warning: godwit.yaml:3:") && !$0.line.contains("hush") })
    }

    @Test func `a login that the protocol uses is none`() {
        let properties = "properties: { sasl.mechanism: SCRAM-SHA-256, sasl.username: u, security.protocol: SASL_SSL }"
        #expect(Self.codes("kafka: { bootstrap_servers: a, \(properties) }").isEmpty)
    }

    @Test func `a file of certificates that is absent is named where it is given`() throws {
        let text = """
            kafka:
              bootstrap_servers: k
              tls: { ca_file: /ca, certificate_file: /c, key_file: /k }
              properties: { ssl.crl.location: /crl }
              sasl: { mechanism: OAUTHBEARER, token_url: "https://l/t", client_id: i, client_secret: s, token_ca_file: /t }
            """
        func found(_ needs: Set<Configuration.Need>, _ files: Set<String>) -> [ConfigurationProblem] {
            do throws(ConfigurationError) {
                return try Configuration.read(
                    text, name: "godwit.yaml", environment: [:], needs: needs, readFile: { _ in "" },
                    isReadable: { files.contains($0) }
                ).warnings
            } catch {
                return error.problems
            }
        }
        let absent = found([.kafka], ["/c"])
        #expect(absent.map(\.code) == Array(repeating: .kafkaFile, count: 4))
        #expect(
            absent.map { $0.line.prefix(14) } == [
                "godwit.yaml:3:", "godwit.yaml:3:", "godwit.yaml:4:", "godwit.yaml:5:",
            ])
        #expect(absent.first?.message.contains("/ca, which is not there") == true, "\(absent)")
        #expect(found([.kafka], ["/c", "/ca", "/k", "/crl", "/t"]).isEmpty)
        #expect(found([], []).isEmpty, "a command that asks no broker needs none of them")
    }

    @Test func `two names of one property contradict each other`() {
        #expect(
            Self.codes("kafka: { bootstrap_servers: a, properties: { linger.ms: 5, queue.buffering.max.ms: 6 } }")
                == [.conflict, .conflict])
    }

    @Test(arguments: [
        "127.evil.example", "127.foo.bar", "127.0.0.evil", "localhost.evil.example", "127.1", "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0", "[::]",
    ])
    func `an admin port that others may reach needs a token`(host: String) {
        #expect(Self.codes("admin: { listen: \"\(host):9464\" }") == [.adminToken])
        #expect(Self.codes("admin: { listen: \"\(host):9464\", token: t }").isEmpty)
    }

    @Test(arguments: ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
    func `an admin port of this machine needs none`(host: String) {
        #expect(Self.codes("admin: { listen: \"\(host):9464\" }").isEmpty)
    }

    @Test(arguments: ["127.0.0.1:99999", "127.0.0.1:+80", "127.0.0.1:", ":9464", "::1:9464", "u:hush@127.0.0.1:9464"])
    func `an admin address that is none is refused, and shows no password`(address: String) {
        let found = Self.found("admin: { listen: \"\(address)\" }")
        #expect(found.map(\.code) == [.adminAddress])
        #expect(!found[0].line.contains("hush"))
    }
}
