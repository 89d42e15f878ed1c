package import Logging
import Synchronization

/// Lets the log say more or less while the process runs.
package enum LogLevelSwitch {
    // 0 is no order; else the level's place among all, from 1.
    private static let ordered = Atomic<Int>(0)

    /// What is ordered for all loggers; `nil` for what each was made with.
    package static var level: Logger.Level? {
        get {
            let place = ordered.load(ordering: .relaxed)
            return place == 0 ? nil : Logger.Level.allCases[place - 1]
        }
        set {
            let place = newValue.flatMap { Logger.Level.allCases.firstIndex(of: $0) }
            ordered.store(place.map { $0 + 1 } ?? 0, ordering: .relaxed)
        }
    }
}
