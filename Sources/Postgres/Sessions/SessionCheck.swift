package import Logging

/// Refuses poolers that give a session to another client after each transaction: locks, LISTEN and settings do not
/// survive them, and settings would stay behind in sessions that other applications get.
///
/// Copies of a configuration share one check, and connections within a minute, or ten behind a pooler, share its result.
package actor SessionCheck {
    /// How long what was found holds. Behind a pooler a look takes seconds where no further session is free.
    private static func validity(of keeping: SessionKeeping) -> Duration {
        keeping == .session ? .seconds(600) : .seconds(60)
    }

    private var found: (keeping: SessionKeeping, at: ContinuousClock.Instant)?
    private let work = SharedWork<SessionKeeping>()

    package init() {}

    /// What the last look has found, however long ago.
    package var lastFound: SessionKeeping? { found?.keeping }

    /// - Throws: `sessionRequired`; what connecting throws.
    func check(_ configuration: ConnectionConfiguration, logger: Logger) async throws(PostgresError) {
        guard try await keeping(configuration, logger: logger) == .transaction else { return }
        throw PostgresError(
            .sessionRequired,
            "\(configuration.redactedDescription) is a pooler in transaction or statement mode, and Godwit needs a "
                + "session: its locks, LISTEN and settings do not survive it")
    }

    /// Who keeps sessions there, as found lately.
    package func keeping(
        _ configuration: ConnectionConfiguration, logger: Logger = Logger(label: "godwit.postgres")
    ) async throws(PostgresError) -> SessionKeeping {
        if let found, .now - found.at < Self.validity(of: found.keeping) { return found.keeping }
        let keeping = try await work.value {
            do throws(PostgresError) {
                return .success(try await PoolerProbe(configuration, logger: logger).take())
            } catch {
                return .failure(error)
            }
        }
        found = (keeping, .now)
        return keeping
    }
}
