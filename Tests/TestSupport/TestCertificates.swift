import FoundationEssentials
import Glibc

/// Certificates made for one test by the `openssl` program, gone with this value.
package final class TestCertificates: Sendable {
    package let folder: String

    /// The authority that issued all of them, and one that issued none.
    package var authority: String { folder + "/ca.pem" }
    package var strangeAuthority: String { folder + "/other.pem" }
    /// Of a server named `localhost` and 127.0.0.1.
    package var server: String { folder + "/server.pem" }
    package var serverKey: String { folder + "/server.key" }
    /// As `server`, with the same key, but of another name or past its time.
    package var elsewhere: String { folder + "/elsewhere.pem" }
    package var expired: String { folder + "/expired.pem" }
    /// Of the client `relay`, its key as it is and encrypted.
    package var client: String { folder + "/client.pem" }
    package var clientKey: String { folder + "/client.key" }
    package var encryptedClientKey: String { folder + "/encrypted.key" }
    package let keyPassword = "key-password-of-this-test"

    package init() async throws {
        folder = FileManager.default.temporaryDirectory.path + "/" + TestDatabase.uniqueName("godwit-certificates")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // PostgreSQL may run as another user than the tests.
        chmod(folder, 0o755)
        let key = "ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        let script = """
            cd "$1"
            for name in ca other; do
                openssl req -x509 -newkey \(key) -keyout $name.key -out $name.pem -days 2 -subj "/CN=Test $name"
            done
            for name in server:localhost client:relay; do
                openssl req -newkey \(key) -keyout ${name%:*}.key -out ${name%:*}.csr -subj "/CN=${name#*:}"
            done
            echo subjectAltName=DNS:localhost,IP:127.0.0.1 >here
            echo subjectAltName=DNS:elsewhere.example >there
            issue() { openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial "$@"; }
            issue -in server.csr -days 2 -extfile here -out server.pem
            issue -in server.csr -days 2 -extfile there -out elsewhere.pem
            issue -in server.csr -days -1 -extfile here -out expired.pem
            issue -in client.csr -days 2 -out client.pem
            openssl ec -in client.key -aes256 -passout pass:\(keyPassword) -out encrypted.key
            """
        let made = try await Command("/bin/sh", ["-ec", script, "sh", folder]).run()
        guard made.exitCode == 0 else { throw Unmade(reason: made.standardError) }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    package struct Unmade: Error, CustomStringConvertible {
        package let reason: String

        package init(reason: String) { self.reason = reason }

        package var description: String { "no certificates could be made: \(reason)" }
    }
}
