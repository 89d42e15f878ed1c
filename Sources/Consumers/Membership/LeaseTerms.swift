/// The times by which a worker holds its segments, and by which others may take them over. A pure value.
///
/// A worker's terms are recorded in its rows with each heartbeat, and every other worker judges it by them, not by its
/// own: relays with different settings cannot take over too early.
///
/// Why two workers never rely on one segment: the owner counts from when it *sent* a heartbeat, the others from when the
/// database *noted* it, which is not earlier. So the owner has stopped ``ownerLimit`` after sending it, on every path and
/// whatever it knows of its session, while the others wait for at least ``takeover``, which is longer by ``margin``.
struct LeaseTerms: Sendable, Hashable {
    /// How often the worker beats.
    let beat: Duration
    /// How long after sending the last heartbeat that was answered the worker still relies on its segments.
    let ownerLimit: Duration
    /// How old a heartbeat must be before others take over, where the worker held its session lock and the lock is free.
    let takeover: Duration
    /// How old a heartbeat must be before others take over, where its lock is still held, or never was.
    let stale: Duration

    /// What a worker has left between its look at the lease and the others' limit: for handing over what it has just
    /// checked, and for clocks that do not run equally fast.
    var margin: Duration { beat / 4 }

    /// - Parameters:
    ///   - beat: above zero.
    ///   - ownerLimit: two beats, unless said otherwise.
    ///   - takeover: two and a half beats, unless said otherwise.
    /// - Throws: ``InvalidLeaseTerms`` where the owner would not stop in time.
    init(
        beat: Duration, ownerLimit: Duration? = nil, takeover: Duration? = nil, stale: Duration
    ) throws(InvalidLeaseTerms) {
        self.beat = beat
        self.ownerLimit = ownerLimit ?? beat * 2
        self.takeover = takeover ?? beat * 5 / 2
        self.stale = stale
        guard beat > .zero, self.ownerLimit > .zero else {
            throw InvalidLeaseTerms(reason: "a beat and an owner's limit are above zero")
        }
        guard self.ownerLimit + margin <= min(self.takeover, stale) else {
            throw InvalidLeaseTerms(
                reason: "the owner stops after \(self.ownerLimit), and others may take over after "
                    + "\(min(self.takeover, stale)): less than \(margin) later")
        }
    }

    /// How old the heartbeat of a worker of the version before must be, where its session has ended: its default.
    static let takeoverBefore: Duration = .seconds(5)

    /// The stale threshold by default.
    static let staleBefore: Duration = .seconds(30)
}

/// Times by which two workers could own a segment at once.
struct InvalidLeaseTerms: Error, Hashable {
    let reason: String
}
