import NIOCore
import Synchronization

/// The connections that have sent no whole request yet, the oldest first. Where there are too many, the oldest is closed, so
/// that clients that do not ask are never in the way of those that do.
final class SilentConnections: Sendable {
    private let channels = Mutex<[any Channel]>([])
    private let most: Int

    init(most: Int) { self.most = most }

    func enter(_ channel: any Channel) {
        let oldest: (any Channel)? = channels.withLock { channels in
            channels.append(channel)
            return channels.count > most ? channels.removeFirst() : nil
        }
        oldest?.close(promise: nil)
    }

    func leave(_ channel: any Channel) {
        channels.withLock { $0.removeAll { $0 === channel } }
    }
}
