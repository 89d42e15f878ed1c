import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

@Suite(.onEmbeddedBroker) struct TLSTests {
    private let plain = ["security.protocol": "ssl"]

    @Test func `a verified connection carries records`() async throws {
        try await SecureBroker.with { _, _ in
        } _: { secure in
            let isCarried = try await SecureBroker.carriesARecord(secure.client(plain))
            #expect(isCarried)
        }
    }

    @Test(arguments: [
        ("another authority", "is not in the file of trusted authorities"),
        ("another name", "it is for another host name"),
        ("past its time", "certificate has expired"),
    ])
    func `a certificate that is not right is refused and the reason is reported`(_ flaw: String, _ text: String)
        async throws
    {
        try await SecureBroker.with { configuration, certificates in
            switch flaw {
            case "another name": configuration.tls?.certificateFile = certificates.elsewhere
            case "past its time": configuration.tls?.certificateFile = certificates.expired
            default: break
            }
        } _: { secure in
            let authority =
                flaw == "another authority" ? ["ssl.ca.location": secure.certificates.strangeAuthority] : [:]
            let error = try #require(await SecureBroker.refusal(secure.client(plain.merging(authority) { $1 })))
            #expect(error.code == .tls)
            #expect(error.message.contains(text), "\(error)")
            #expect(error.message.contains("127.0.0.1"), "\(error)")
            #expect(error.classification.kind == .refused)
        }
    }

    @Test func `a client certificate lets in and its absence is reported`() async throws {
        try await SecureBroker.with { configuration, certificates in
            configuration.tls?.clientAuthoritiesFile = certificates.authority
        } _: { secure in
            let own = [
                "ssl.certificate.location": secure.certificates.client,
                "ssl.key.location": secure.certificates.encryptedClientKey,
                "ssl.key.password": secure.certificates.keyPassword,
            ].merging(plain) { $1 }
            #expect(try await SecureBroker.carriesARecord(secure.client(own)))
            let error = try #require(await SecureBroker.refusal(secure.client(plain)))
            #expect(error.code == .tls)
            #expect(error.message.contains("asks for a client certificate"), "\(error)")
        }
    }

    @Test func `a key that cannot be opened is a mistake in the configuration`() async throws {
        try await SecureBroker.with { _, _ in
        } _: { secure in
            let wrong = "wrong-key-password"
            let error = try #require(
                await SecureBroker.refusal(
                    secure.client([
                        "security.protocol": "ssl", "ssl.certificate.location": secure.certificates.client,
                        "ssl.key.location": secure.certificates.encryptedClientKey, "ssl.key.password": wrong,
                    ])))
            #expect(error.code == .configuration)
            #expect(error.message.contains("password"), "\(error)")
            #expect(!error.description.contains(wrong))
            let absent = try #require(
                await SecureBroker.refusal(secure.client(plain.merging(["ssl.ca.location": "/not/there.pem"]) { $1 })))
            #expect(absent.code == .configuration)
            #expect(absent.message.contains("/not/there.pem"), "\(absent)")
        }
    }

    @Test func `the wrong protocol is reported`() async throws {
        try await SecureBroker.with { _, _ in
        } _: { secure in
            let error = try #require(
                await SecureBroker.refusal(secure.client(["security.protocol": "plaintext"])))
            #expect(error.message.contains("SSL listener"), "\(error)")
        }
        try await SecureBroker.with { configuration, _ in
            configuration.tls = nil
        } _: { secure in
            let error = try #require(await SecureBroker.refusal(secure.client(plain)))
            #expect(error.message.contains("PLAINTEXT"), "\(error)")
        }
    }
}
