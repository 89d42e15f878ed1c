import FoundationEssentials
import LocalPostgres

/// The PostgreSQL server of the tests of one process.
///
/// It is a throw-away cluster, started when the first test asks for it and gone with the process, or, when
/// `GODWIT_TEST_POSTGRES` holds a URL, the server there, and no cluster is started.
package actor TestPostgres {
    package static let shared = TestPostgres()

    private var starting: Task<LocalPostgres, any Error>?

    /// The superuser's URL.
    package func url() async throws -> String {
        if let url = ProcessInfo.processInfo.environment["GODWIT_TEST_POSTGRES"], !url.isEmpty { return url }
        return try await cluster().url
    }

    private func cluster() async throws -> LocalPostgres {
        if let starting { return try await starting.value }
        // A bare task, because all tests that ask at once wait for one start, which must not end with any one of them.
        let task = Task {
            var options = LocalPostgres.Options()
            options.statementStatistics = true
            return try await LocalPostgres.start(options)
        }
        starting = task
        return try await task.value
    }
}
