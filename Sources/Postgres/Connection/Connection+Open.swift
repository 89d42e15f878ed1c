public import Logging

extension Connection {
    /// How often, and how far apart, secrets are read again after the server refused them.
    private static let secretRetries = 5
    private static let secretPause: Duration = .milliseconds(200)

    /// Connects, with secrets that are read for this connection.
    ///
    /// - Throws: `connectionFailed` if no server answered in time, `authentication` if it refused, `secretUnavailable` if
    ///   the password could not be read, `sessionRequired` if a pooler keeps no session, `cancelled`.
    public static func open(
        _ configuration: ConnectionConfiguration, logger: Logger = Logger(label: "godwit.postgres")
    ) async throws(PostgresError) -> Connection {
        let wait = configuration.sessionWaits?.begin(configuration.purpose)
        do throws(PostgresError) {
            try await configuration.sessionCheck?.check(configuration, logger: logger)
            let connection = try await openWithSecrets(configuration, logger: logger)
            wait?.end(nil)
            return connection
        } catch {
            wait?.end(error)
            throw error
        }
    }

    /// A refused secret may be one that is being replaced: it is read again for a second, and another one is tried. The
    /// same one is not, since servers may lock out who sends a wrong one often.
    static func openWithSecrets(
        _ configuration: ConnectionConfiguration, logger: Logger
    ) async throws(PostgresError) -> Connection {
        var resolved = try await configuration.resolved()
        if configuration.hasOutsideSecrets, let refusal = configuration.refusedSecrets.refusal(of: resolved.keywords) {
            throw refusal
        }
        var retries = configuration.hasOutsideSecrets ? secretRetries : 0
        while true {
            do throws(PostgresError) {
                return try await connect(resolved, logger: logger)
            } catch {
                guard error.code == .authentication, configuration.hasOutsideSecrets else { throw error }
                let refused = resolved.keywords
                configuration.refusedSecrets.note(refused, error)
                await configuration.passwordSource?.forget(refused["password"])
                while resolved.keywords == refused {
                    guard retries > 0 else { throw error }
                    retries -= 1
                    do {
                        try await Task.sleep(for: secretPause)
                    } catch {
                        throw PostgresError(.cancelled, "connecting was cancelled")
                    }
                    // The file may be missing for a moment: what the server said is the better reason.
                    if let now = try? await configuration.resolved() { resolved = now }
                }
            }
        }
    }
}
