import Glibc
import Synchronization

/// One test's own room on the shared server: a schema name nobody else has.
package struct TestDatabase: Sendable {
    /// The superuser's URL of the shared server.
    package let url: String
    /// The schema's name; the test that uses it creates it.
    package let schema: String

    package init() async throws {
        self.init(url: try await TestPostgres.shared.url())
    }

    /// A room in another database of the server.
    init(url: String) {
        self.url = url
        schema = Self.uniqueName("test")
    }

    private static let counter = Atomic<Int>(0)

    /// A name for a schema, topic or consumer that no other test uses, nor another process on the same server.
    package static func uniqueName(_ stem: String) -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(stem)_\(getpid())_\(number)_\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
    }
}
