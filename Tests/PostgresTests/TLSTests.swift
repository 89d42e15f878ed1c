import FoundationEssentials
import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

/// A server that takes nobody in without TLS: the user `certified` by certificate, all others by password.
@Suite struct TLSTests {
    private struct Place {
        let server: LocalPostgres
        let certificates: TestCertificates

        func connect(_ parameters: String, host: String = "localhost") async throws {
            let keywords = "host=\(host) port=\(server.port) dbname=postgres user=postgres password=right "
            let connection = try await Connection.open(
                ConnectionConfiguration(keywords + "sslrootcert=\(certificates.authority) " + parameters))
            // Many records of TLS, and what the library keeps of them.
            let text: String? = try await connection.query("SELECT repeat('x', 5000000)").first?.decode(0)
            #expect(text?.utf8.count == 5_000_000)
            await connection.close()
        }

        func refusal(_ parameters: String, host: String = "localhost") async -> PostgresError? {
            do {
                try await connect(parameters, host: host)
                return nil
            } catch {
                return error as? PostgresError
            }
        }
    }

    private func with(
        _ certificate: KeyPath<TestCertificates, String> = \.server, _ body: (Place) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates()
        let rules = certificates.folder + "/pg_hba.conf"
        let text = """
            local all all trust
            hostssl all certified samehost cert map=relay
            hostssl all all samehost scram-sha-256

            """
        try Data(text.utf8).write(to: URL(filePath: rules))
        try Data("relay relay certified\n".utf8).write(to: URL(filePath: certificates.folder + "/pg_ident.conf"))
        chmod(rules, 0o644)
        chmod(certificates.folder + "/pg_ident.conf", 0o644)
        // The server wants its key to be its own, and as root it runs as another user.
        chmod(certificates.serverKey, 0o600)
        if getuid() == 0, let user = getpwnam("postgres") { chown(certificates.serverKey, user.pointee.pw_uid, 0) }
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "right")
        options.settings = [
            "ssl": "on", "ssl_cert_file": certificates[keyPath: certificate],
            "ssl_key_file": certificates.serverKey, "ssl_ca_file": certificates.authority, "hba_file": rules,
            "ident_file": certificates.folder + "/pg_ident.conf",
        ]
        let server = try await LocalPostgres.start(options)
        do {
            try await body(Place(server: server, certificates: certificates))
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    @Test func `a verified server and a bound password are enough`() async throws {
        try await with { place in
            try await place.connect("sslmode=verify-full channel_binding=require")
            try await place.connect("sslmode=verify-full", host: "127.0.0.1")
            let plain = try #require(await place.refusal("sslmode=disable"))
            #expect(plain.code == .authentication, "\(plain)")
            let unbound = try #require(await place.refusal("sslmode=disable channel_binding=require"))
            #expect(unbound.code == .authentication, "\(unbound)")
            let wrong = try #require(await place.refusal("sslmode=verify-full password=s3cret"))
            #expect(wrong.code == .authentication && wrong.sqlState?.rawValue == "28P01")
            #expect(!wrong.description.contains("s3cret"))
        }
    }

    @Test func `another authority is refused, and so is one that cannot be read`() async throws {
        try await with { place in
            let strange = try #require(
                await place.refusal("sslmode=verify-full sslrootcert=\(place.certificates.strangeAuthority)"))
            #expect(strange.code == .authentication)
            #expect(strange.message.contains("certificate verify failed"), "\(strange)")
            let absent = try #require(await place.refusal("sslmode=verify-full sslrootcert=/not/there.pem"))
            #expect(absent.code == .authentication)
            #expect(absent.message.contains("/not/there.pem"), "\(absent)")
        }
    }

    @Test func `another name is refused`() async throws {
        try await with(\.elsewhere) { place in
            let error = try #require(await place.refusal("sslmode=verify-full"))
            #expect(error.code == .authentication)
            #expect(error.message.contains("does not match host name"), "\(error)")
        }
    }

    @Test func `a certificate past its time is refused`() async throws {
        try await with(\.expired) { place in
            let error = try #require(await place.refusal("sslmode=verify-full"))
            #expect(error.code == .authentication)
            #expect(error.message.contains("certificate verify failed"), "\(error)")
        }
    }

    @Test func `a client certificate lets its user in, and nobody without it`() async throws {
        try await with { place in
            let superuser = try await Connection.open(
                ConnectionConfiguration("host=\(place.server.socketDirectory) port=\(place.server.port) user=postgres"))
            try await superuser.execute(script: "CREATE ROLE certified LOGIN")
            await superuser.close()
            let files = place.certificates
            let own = "user=certified sslmode=verify-full sslcert=\(files.client) "
            try await place.connect(own + "sslkey=\(files.encryptedClientKey) sslpassword=\(files.keyPassword)")
            let wrong = try #require(
                await place.refusal(own + "sslkey=\(files.encryptedClientKey) sslpassword=wrong-key-password"))
            #expect(wrong.code == .authentication, "\(wrong)")
            #expect(!wrong.description.contains("wrong-key-password"))
            let none = try #require(await place.refusal("user=certified sslmode=verify-full"))
            #expect(none.code == .authentication, "\(none)")
        }
    }
}
