import CLibPQ
import COpenSSL
import Glibc

/// Waiting for the server, with a bound of one's own: a server, a proxy or a network may fall silent without closing
/// anything.
extension ConnectionHandle {
    /// The next result of what was sent, as `PQgetResult` gives it.
    ///
    /// - Throws: `connectionLost` when the server says nothing for ``silenceLimit``, or does not end a cancelled statement;
    ///   nothing more can be asked then.
    func nextResult() throws(PostgresError) -> OpaquePointer? {
        defer { watch.endWaiting() }
        while !isBroken {
            let hasUnsent = self.hasUnsent
            if !hasUnsent, !isBusy { break }
            // Room to write is a sign of life too: the other end has taken what was sent.
            let heard = ContinuousClock.now
            watch.beginWaiting(heard)
            try awaitSocket(Int16(hasUnsent ? POLLIN | POLLOUT : POLLIN), since: heard)
            if !takeIn() { break }
        }
        return unsafe PQgetResult(raw)
    }

    private var isBusy: Bool { unsafe PQisBusy(raw) == 1 }

    /// Whether something is still to be sent. What cannot be sent at all shows in the next result.
    private var hasUnsent: Bool { unsafe PQflush(raw) == 1 }

    /// Reads what has come; false if the connection broke.
    func takeIn() -> Bool {
        repeat {
            if unsafe PQconsumeInput(raw) != 1 { return false }
        } while hasDecrypted
        watch.heard()
        return true
    }

    /// Whether a read has left a part of a record of TLS in the library's buffer, which the socket does not show.
    private var hasDecrypted: Bool {
        guard let connection = unsafe PQsslStruct(raw, "OpenSSL") else { return false }
        return unsafe SSL_pending(OpaquePointer(connection)) > 0
    }

    /// Blocks until the socket is ready.
    private func awaitSocket(_ events: Int16, since heard: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let limit = watch.limit
            if limit.isGivenUp { throw giveUp("the database does not answer") }
            let silence = [silenceLimit, limit.silence].compactMap { $0 }.min()
            let deadline = [silence.map { heard + $0 }, limit.cancelled].compactMap { $0 }.min()
            // What GSSAPI has decrypted shows nowhere: it is looked for.
            let look = isDecryptedUnseen ? ContinuousClock.now + Self.lookInterval : nil
            switch wait(for: events, until: [deadline, look].compactMap { $0 }.min()) {
            case .ready: return
            case .timedOut where deadline.map { $0 > .now } ?? true:
                if unsafe PQconsumeInput(raw) != 1 { return }
                if !isBusy { return }
            case .woken: continue
            case .timedOut:
                if let end = limit.cancelled, end <= .now { throw giveUp("a cancelled statement did not end") }
                throw giveUp("the server has sent nothing for \(silence ?? .zero)")
            }
        }
    }

    private static let lookInterval: Duration = .milliseconds(100)

    private var isDecryptedUnseen: Bool { unsafe PQgssEncInUse(raw) == 1 }

    /// Ends the connection from this side, without a word to the other.
    func giveUp(_ reason: String) -> PostgresError {
        let error = endedBecause ?? PostgresError(.connectionLost, "the connection is given up: \(reason)")
        if !isGivenUp { watch.gaveUp() }
        endedBecause = error
        shutdown(socket, Int32(SHUT_RDWR))
        return error
    }

    /// What ended a wait on the socket.
    enum Readiness {
        case ready, woken, timedOut
    }

    /// Blocks until the socket is ready, the watch looks up, or the deadline has passed.
    func wait(for events: Int16, until deadline: ContinuousClock.Instant?) -> Readiness {
        while true {
            var descriptors = [
                pollfd(fd: socket, events: events, revents: 0),
                pollfd(fd: watch.wakeup.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe poll(&descriptors, 2, milliseconds(until: deadline))
            if count < 0 && errno == EINTR { continue }
            if descriptors[1].revents != 0 {
                watch.wakeup.drain()
                return .woken
            }
            if descriptors[0].revents != 0 { return .ready }
            if let deadline, deadline <= .now { return .timedOut }
        }
    }

    private func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
        // Rounded up, so that the last wait does not spin.
        return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }
}
