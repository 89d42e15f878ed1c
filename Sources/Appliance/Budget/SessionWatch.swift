import Logging
import Postgres
import Synchronization

/// Watches what sessions a relay waits for, and reports it in the log: when it begins, each minute, and when it ends.
final class SessionWatch: Sendable {
    private static let interval: Duration = .seconds(1)

    private let connection: ConnectionConfiguration
    private let shortage: SessionShortage
    private let logger: Logger

    init(_ connection: ConnectionConfiguration, need: SessionNeed, logger: Logger) {
        self.connection = connection
        shortage = SessionShortage(need: need)
        self.logger = logger
    }

    /// Which sessions are waited for; nil if none is missing.
    func problem() async -> String? {
        guard let waits = connection.sessionWaits?.current(), !waits.isEmpty else { return nil }
        return shortage.text(waits, isPooled: await connection.sessionCheck?.lastFound == .session)
    }

    /// Until cancelled.
    func run() async {
        var reported: (text: String, at: ContinuousClock.Instant)?
        while !Task.isCancelled {
            let text = await problem()
            if let text {
                if reported.map({ $0.text != text || .now - $0.at > .seconds(60) }) ?? true {
                    logger.warning("\(text)")
                    reported = (text, .now)
                }
            } else if reported != nil {
                logger.notice("all database sessions are there")
                reported = nil
            }
            try? await Task.sleep(for: Self.interval)
        }
    }
}
