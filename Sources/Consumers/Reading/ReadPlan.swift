/// Who reads what next: which subscriptions follow the head, and which stretches of the log the catch-up lanes read for
/// those that are behind.
///
/// A subscription at the head gets each batch that the head releases. One that has no room left while another waits for
/// events leaves the head and drops what it has not taken, so that it holds nobody up. Subscriptions that are behind get
/// bounded stretches of settled positions from a lane, in turn; those that are near each other share the stretch. Close
/// behind the head they join it: the head reads the little that is missing along with its next look.
///
/// Facts in, decisions out: no I/O, no clock.
struct ReadPlan: Sendable {
    typealias ID = Int

    /// What is known of a subscription.
    struct Member: Sendable, Equatable {
        /// Everything up to here was offered to it.
        var cursor: Int64
        var place: Place
        /// Whether it can take another batch.
        var hasRoom = true
        /// Whether it waits for a batch.
        var isHungry = false
        /// When a lane last read for it, in stretches.
        var servedAt: UInt64 = 0
    }

    enum Place: Sendable, Equatable {
        case head
        case behind
        /// A lane reads for it at the moment.
        case lane(Int)
    }

    /// Positions that a lane reads for some subscriptions. Everything in it is settled.
    struct Stretch: Sendable, Equatable {
        let lane: Int
        /// The first position is the one behind this.
        let after: Int64
        /// The last position.
        let through: Int64
        let members: [ID]
    }

    /// Catch-up lanes at most.
    static let lanes = 2
    /// A subscription this close behind the head joins it without a lane.
    static let joinDistance: Int64 = 2_000
    /// How far apart subscriptions may be to share a stretch.
    static let shareDistance: Int64 = 100_000
    /// The length of the first stretch, and the bounds of all, in positions.
    static let firstLength: Int64 = 20_000
    static let lengths: ClosedRange<Int64> = 500...10_000_000
    /// How long reading a stretch is to take.
    static let aim: Duration = .milliseconds(100)

    /// Everything up to here was released by the head.
    private(set) var head: Int64
    private(set) var members: [ID: Member] = [:]
    private var busy: [Stretch?] = Array(repeating: nil, count: lanes)
    private var length = firstLength
    private var served: UInt64 = 0

    init(head: Int64) {
        self.head = head
    }

    // MARK: Subscriptions

    mutating func add(_ id: ID, cursor: Int64) {
        members[id] = Member(cursor: cursor, place: cursor >= head ? .head : .behind)
    }

    mutating func remove(_ id: ID) {
        members[id] = nil
    }

    /// Takes in whether a subscription has room, and whether it waits.
    mutating func note(_ id: ID, hasRoom: Bool, isHungry: Bool) {
        members[id]?.hasRoom = hasRoom
        members[id]?.isHungry = isHungry
    }

    /// A subscription has dropped what it had not taken, and goes on from a position.
    mutating func fellBack(_ id: ID, to cursor: Int64) {
        guard let member = members[id] else { return }
        members[id]?.cursor = cursor
        if member.place == .head { members[id]?.place = cursor >= head ? .head : .behind }
    }

    // MARK: The head

    /// Whether the head should read newer rows: a subscription there can take them.
    var headMayRead: Bool {
        var canTake = false
        for member in members.values where member.place == .head {
            if member.isHungry { return true }
            if !member.hasRoom { return false }
            canTake = true
        }
        return canTake
    }

    /// Those that leave the head before it reads on, because they have no room while another waits.
    mutating func evict() -> [ID] {
        let atHead = members.filter { $0.value.place == .head }
        guard atHead.contains(where: \.value.isHungry) else { return [] }
        let full = atHead.filter { !$0.value.hasRoom && !$0.value.isHungry }.keys.sorted()
        for id in full { members[id]?.place = .behind }
        return full
    }

    /// Those that are to join the head with its next look, and the position behind which they need rows. One that does
    /// not wait for events would only have to leave again.
    var joining: (ids: [ID], after: Int64)? {
        let near = members.filter {
            $0.value.place == .behind && $0.value.isHungry && head - $0.value.cursor <= Self.joinDistance
        }
        guard let after = near.values.map(\.cursor).min() else { return nil }
        return (near.keys.sorted(), after)
    }

    /// Those that wanted to join were offered everything up to a position.
    mutating func joined(_ ids: [ID], through position: Int64) {
        for id in ids { offered(id, through: position) }
    }

    /// The head has released everything up to a position, and offered it to all that are there.
    mutating func headMoved(to position: Int64) {
        assert(position >= head, "what was released stays so")
        head = max(head, position)
        for (id, member) in members where member.place == .head {
            members[id]?.cursor = max(member.cursor, head)
        }
    }

    /// The head goes on from a position without having read what lies before it: all are behind.
    mutating func headJumped(to position: Int64) {
        head = max(head, position)
        for (id, member) in members where member.place == .head && member.cursor < head {
            members[id]?.place = .behind
        }
    }

    private mutating func offered(_ id: ID, through position: Int64) {
        guard let member = members[id] else { return }
        let cursor = max(member.cursor, position)
        members[id]?.cursor = cursor
        if cursor >= head { members[id]?.place = .head }
    }

    // MARK: Lanes

    /// Whether a lane would have something to read, now or when subscriptions have room.
    var hasLaggards: Bool {
        members.values.contains { $0.place == .behind && head - $0.cursor > Self.joinDistance }
    }

    /// The next stretch for a lane that is free; `nil` if there is none for now.
    ///
    /// The one that has waited longest comes first, and takes those near it along. While one of these has no room, the
    /// others wait for it as long as they have something left to take: reading once for all is worth more than reading
    /// early for some.
    mutating func nextStretch(for lane: Int) -> Stretch? {
        assert(busy[lane] == nil, "a lane reads one stretch at a time")
        let behind = members.filter { $0.value.place == .behind && head - $0.value.cursor > Self.joinDistance }
        let ready = behind.filter(\.value.hasRoom)
        let leaders = ready.sorted {
            ($0.value.servedAt, $0.value.cursor, $0.key) < ($1.value.servedAt, $1.value.cursor, $1.key)
        }
        for leader in leaders {
            let near = behind.filter { abs($0.value.cursor - leader.value.cursor) <= Self.shareDistance }
            let together = near.filter(\.value.hasRoom)
            guard together.count == near.count || together.contains(where: \.value.isHungry) else { continue }
            let after = together.values.map(\.cursor).min() ?? leader.value.cursor
            let through = min(head, after + length)
            let ids = together.filter { $0.value.cursor < through }.keys.sorted()
            served += 1
            for id in ids {
                members[id]?.place = .lane(lane)
                members[id]?.servedAt = served
            }
            let stretch = Stretch(lane: lane, after: after, through: through, members: ids)
            busy[lane] = stretch
            return stretch
        }
        return nil
    }

    /// A lane has read a stretch up to a position, which its members were offered.
    ///
    /// - Parameters:
    ///   - time: how long it took; the length of the next follows it.
    ///   - isCut: whether rows or bytes ended it, not its length.
    mutating func finished(_ stretch: Stretch, through position: Int64, time: Duration, isCut: Bool) {
        end(stretch)
        for id in stretch.members { offered(id, through: position) }
        if time > Self.aim * 2 {
            length = max(Self.lengths.lowerBound, min(length, stretch.through - stretch.after) / 2)
        } else if !isCut, time < Self.aim / 2, stretch.through - stretch.after == length {
            length = min(Self.lengths.upperBound, length * 2)
        }
    }

    /// A lane could not read a stretch.
    ///
    /// - Parameter tookTooLong: whether the server cancelled it: the next is shorter.
    mutating func failed(_ stretch: Stretch, tookTooLong: Bool) {
        end(stretch)
        if tookTooLong { length = max(Self.lengths.lowerBound, length / 8) }
    }

    private mutating func end(_ stretch: Stretch) {
        busy[stretch.lane] = nil
        for id in stretch.members where members[id]?.place == .lane(stretch.lane) {
            members[id]?.place = .behind
        }
    }
}
