import Logging
import Synchronization

/// The last warnings and errors of the process, for people who look at it without its log.
package final class RecentMessages: Sendable {
    struct Message: Sendable {
        /// `2026-01-31T09:15:02.123Z`
        let time: String
        let level: Logger.Level
        let text: String
        /// The consumer it is about, if it is about one.
        let consumer: String?
    }

    /// What this process has logged.
    package static let shared = RecentMessages()

    private let most: Int
    private let messages = Mutex<[Message]>([])

    init(most: Int = 500) {
        self.most = most
    }

    func note(_ message: Message) {
        messages.withLock { messages in
            messages.append(message)
            if messages.count > most { messages.removeFirst(messages.count - most) }
        }
    }

    /// Those about a consumer, or about none in particular, the newest first.
    func newest(_ count: Int, about consumer: String) -> [Message] {
        let messages = messages.withLock { $0 }
        return Array(messages.reversed().filter { $0.consumer == nil || $0.consumer == consumer }.prefix(count))
    }
}
