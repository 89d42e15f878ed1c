import TestSupport
import Testing

@testable import Kafka

/// What keeps a certificate that is not accepted from filling the log and a core.
@Suite struct CertificateBackoffTests {
    @Test func `waits grow for each broker, and begin anew once it is accepted`() {
        var backoff = CertificateBackoff()
        let waits = (0..<8).map { _ in backoff.rejected("a") }
        #expect(waits.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(waits.last == .seconds(5))
        #expect(backoff.rejected("b") == .milliseconds(100))
        backoff.accepted("a")
        #expect(backoff.rejected("a") == .milliseconds(100))
    }

    @Test func `the same message comes once a minute, from all clients together`() {
        let messages = RareMessages()
        let start = ContinuousClock.now
        #expect(messages.isDue("x", now: start) && messages.isDue("y", now: start))
        #expect(!messages.isDue("x", now: start + .seconds(59)))
        #expect(messages.isDue("x", now: start + .seconds(60)))
    }

    @Test func `files that hold something else by now are noticed, half-written ones are not`() throws {
        let folder = try TestFolder()
        let (authority, password) = (try folder.write("ca", "one"), try folder.write("password", "hush\n"))
        var client = ClientConfiguration(bootstrapServers: "x", properties: ["ssl.ca.location": authority])
        client.secretFiles = ["sasl.password": password]
        let before = SecretFingerprint(of: client)
        #expect(SecretFingerprint(of: client) == before && before.isComplete)
        #expect(client.withCurrentSecrets.properties["sasl.password"] == "hush")
        try folder.write("ca", "two")
        #expect(SecretFingerprint(of: client) != before)
        try folder.write("ca", "one")
        try folder.write("password", "", atomically: false)
        #expect(!SecretFingerprint(of: client).isComplete)
        client.properties["sasl.password"] = "last"
        #expect(client.withCurrentSecrets.properties["sasl.password"] == "last")
    }
}
