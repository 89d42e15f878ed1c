import FoundationEssentials
import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

@Suite(.onEmbeddedBroker) struct SASLTests {
    private func now() -> Int64 { Int64(Date().timeIntervalSince1970) }

    @Test(arguments: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    func `the right password lets in and another does not`(_ mechanism: String) async throws {
        try await SecureBroker.with { configuration, _ in
            configuration.users = [SecureBroker.user: SecureBroker.password]
        } _: { secure in
            #expect(try await SecureBroker.carriesARecord(secure.client(SecureBroker.login(mechanism))))
            let wrong = secure.client(SecureBroker.login(mechanism, password: "another-password"))
            let error = try #require(await SecureBroker.refusal(wrong))
            #expect(error.code == .authentication)
            #expect(error.message.contains("Invalid username or password"), "\(error)")
            #expect(!error.description.contains("another-password"))
            let producer = try Producer(wrong, logger: quiet)
            let refusal = await #expect(throws: KafkaError.self) {
                try await producer.prepare(["topic"], within: .seconds(30))
            }
            #expect(refusal?.code == .authentication, "\(refusal?.description ?? "")")
            await producer.close()
            let reader = try Reader(wrong, logger: quiet)
            await #expect(throws: KafkaError.self) { try await reader.assign(["topic"], within: .seconds(3)) }
            await reader.close()
        }
    }

    @Test func `a mechanism that the broker lacks is named`() async throws {
        try await SecureBroker.with { configuration, _ in
            configuration.tokenSecret = SecureBroker.tokenSecret
        } _: { secure in
            let error = try #require(await SecureBroker.refusal(secure.client(SecureBroker.login("PLAIN"))))
            #expect(error.classification.kind == .refused)
            #expect(error.message.contains("OAUTHBEARER"), "\(error)")
        }
    }

    @Test func `a token from a file lets in and a wrong one does not`() async throws {
        try await SecureBroker.with { configuration, _ in
            configuration.tokenSecret = SecureBroker.tokenSecret
        } _: { secure in
            let file = secure.certificates.folder + "/token"
            let client = secure.client(["sasl.mechanism": "OAUTHBEARER"], tokens: TokenSource(.file(file)))
            func refusal(_ token: String) async throws -> KafkaError {
                try Data(token.utf8).write(to: URL(filePath: file))
                return try #require(await SecureBroker.refusal(client))
            }
            let absent = try #require(await SecureBroker.refusal(client))
            #expect(absent.message.contains("\(file) cannot be read"), "\(absent)")
            #expect(absent.classification.kind == .refused)

            let right = try #require(secure.configuration.token(for: "relay", until: now() + 600))
            var other = secure.configuration
            other.tokenSecret = "another"
            let wrong = try #require(other.token(for: "relay", until: now() + 600))
            let refused = try await refusal(wrong)
            #expect(refused.code == .authentication)
            #expect(refused.message.contains("invalid_token"), "\(refused)")
            #expect(!refused.description.contains(wrong))

            let old = try await refusal(try #require(secure.configuration.token(for: "relay", until: now() - 60)))
            #expect(old.message.contains("expired"), "\(old)")

            try Data((right + "\n").utf8).write(to: URL(filePath: file))
            #expect(try await SecureBroker.carriesARecord(client))
        }
    }

    /// A token of four seconds is read again after three, by which time the file holds the next one.
    @Test func `an expiring token is read again`() async throws {
        try await SecureBroker.with { configuration, _ in
            configuration.tokenSecret = SecureBroker.tokenSecret
        } _: { secure in
            let file = secure.certificates.folder + "/token"
            func write(until expiry: Int64) throws {
                let token = try #require(secure.configuration.token(for: "relay", until: expiry))
                try Data(token.utf8).write(to: URL(filePath: file), options: .atomic)
            }
            let expiry = now() + 4
            try write(until: expiry)
            let client = secure.client(["sasl.mechanism": "OAUTHBEARER"], tokens: TokenSource(.file(file)))
            let admin = try Admin(client, logger: quiet)
            _ = try await admin.describeCluster()
            try write(until: now() + 600)
            try await eventually("the first token has expired") { now() > expiry }
            await secure.broker.disconnectAll()
            _ = try await admin.describeCluster(within: .seconds(15))
            await admin.close()
        }
    }

    @Test(arguments: [false, true])
    func `a token from an endpoint lets in`(isChunked: Bool) async throws {
        try await SecureBroker.with { configuration, _ in
            configuration.tokenSecret = SecureBroker.tokenSecret
        } _: { secure in
            let token = try #require(secure.configuration.token(for: "relay", until: now() + 600))
            let files = secure.certificates
            let server = try await TokenServer.start(
                answer: #"{"token_type":"Bearer","expires_in":600,"access_token":"\#(token)"}"#, isChunked: isChunked,
                certificate: files.server, key: files.serverKey)
            func client(secret: String = TokenServer.clientSecret, authority: String) throws -> ClientConfiguration {
                let endpoint = TokenEndpoint(
                    url: try #require(TokenURL(server.url)), clientID: TokenServer.clientID, clientSecret: secret,
                    scope: "kafka write", authoritiesFile: authority)
                return secure.client(
                    ["sasl.mechanism": "OAUTHBEARER"],
                    tokens: TokenSource(.endpoint(endpoint), extensions: ["logicalCluster": "lkc-1"]))
            }
            #expect(try await SecureBroker.carriesARecord(client(authority: files.authority)))
            let wrong = try #require(
                await SecureBroker.refusal(client(secret: "wrong-client-secret", authority: files.authority)))
            #expect(wrong.message.contains("status 401 and the error `invalid_client`"), "\(wrong)")
            #expect(wrong.classification.kind == .refused)
            #expect(!wrong.description.contains("wrong-client-secret"))
            let stranger = try #require(
                await SecureBroker.refusal(client(authority: files.strangeAuthority)))
            #expect(stranger.message.contains("is not in the file of trusted authorities"), "\(stranger)")
            await server.stop()
            let away = try #require(await SecureBroker.refusal(client(authority: files.authority)))
            #expect(away.message.contains("cannot be reached"), "\(away)")
        }
    }
}
