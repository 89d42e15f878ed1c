import TestSupport

@testable import Consumers

/// A generated history of a ``ReadPlan``: subscriptions that come and go, take fast, slowly or not at all, a head that
/// moves, and lanes that finish or fail; performed as the reader performs it.
struct PlanHistory {
    /// A subscription as far as the plan knows it.
    private struct Subscriber {
        /// Everything up to here was taken.
        var taken: Int64
        /// The end of each batch that waits.
        var queue: [Int64] = []
        var isWaiting = false
        /// How likely it takes a batch, in percent.
        var speed: Int
        /// Everything up to here was taken or waits in the queue.
        var progress: Int64 { queue.last ?? taken }
    }

    private var random: Seeded
    private var plan: ReadPlan
    private var subscribers: [Int: Subscriber] = [:]
    private var stretches: [ReadPlan.Stretch?] = Array(repeating: nil, count: ReadPlan.lanes)
    private var nextID = 0
    private(set) var faults: [String] = []

    private static let queueLimit = 4

    init(seed: UInt64) {
        random = Seeded(seed)
        plan = ReadPlan(head: Int64.random(in: 0...100_000, using: &random))
    }

    mutating func run(steps: Int) -> [String] {
        for _ in 0..<steps where faults.isEmpty {
            switch Int.random(in: 0..<24, using: &random) {
            case 0, 1: join()
            case 2: leave()
            case 3: change()
            case 4: jump()
            case 5...9: takeSome()
            case 10...16:
                let move: Int64 = [0, 1, 30, 500, 5_000].randomElement(using: &random) ?? 0
                look(moving: .random(in: 0...move, using: &random))
            default:
                let lane = Int.random(in: 0..<ReadPlan.lanes, using: &random)
                if stretches[lane] == nil { begin(lane) } else { end(lane) }
            }
            check()
        }
        return faults
    }

    /// The head does not move any more. Those that take must reach it although others do not, and then the others too.
    mutating func allReachTheHead() -> Bool {
        for id in subscribers.keys { subscribers[id]?.speed = Bool.random(using: &random) ? 100 : 0 }
        let fast = Set(subscribers.filter { $0.value.speed == 100 }.keys)
        if !reachesHead(fast) { return false }
        for id in subscribers.keys { subscribers[id]?.speed = 100 }
        return reachesHead(Set(subscribers.keys))
    }

    private mutating func reachesHead(_ ids: Set<Int>) -> Bool {
        // A stretch doubles with each that takes little time, and those far from each other take turns.
        for _ in 0..<150 where faults.isEmpty {
            if ids.allSatisfy({ subscribers[$0].map { $0.taken >= plan.head } ?? true }) { return true }
            for lane in stretches.indices {
                if stretches[lane] == nil { begin(lane) }
                if stretches[lane] != nil { finish(lane, through: nil, time: .milliseconds(1)) }
            }
            look(moving: 0)
            for id in subscribers.keys {
                while subscribers[id]?.speed == 100, subscribers[id]?.queue.isEmpty == false { take(id) }
                if subscribers[id]?.speed == 100 { subscribers[id]?.isWaiting = true }
            }
            check()
        }
        if faults.isEmpty { faults.append("behind \(plan.head): \(subscribers.filter { ids.contains($0.key) })") }
        return false
    }

    // MARK: Subscriptions

    private mutating func join() {
        guard subscribers.count < 8 else { return }
        let cursor = Int64.random(in: 0...(plan.head + 100), using: &random)
        subscribers[nextID] = Subscriber(taken: cursor, speed: [0, 10, 100].randomElement(using: &random) ?? 100)
        plan.add(nextID, cursor: cursor)
        nextID += 1
    }

    private mutating func leave() {
        guard let id = anyone() else { return }
        subscribers[id] = nil
        plan.remove(id)
    }

    /// Halts, or flows again.
    private mutating func change() {
        guard let id = anyone() else { return }
        subscribers[id]?.speed = [0, 10, 100].randomElement(using: &random) ?? 0
    }

    private mutating func anyone() -> Int? { subscribers.keys.sorted().randomElement(using: &random) }

    private mutating func takeSome() {
        for id in subscribers.keys.sorted() {
            guard let speed = subscribers[id]?.speed, Int.random(in: 0..<100, using: &random) < speed else { continue }
            if subscribers[id]?.queue.isEmpty == true { subscribers[id]?.isWaiting = true } else { take(id) }
        }
    }

    private mutating func take(_ id: Int) {
        guard var subscriber = subscribers[id] else { return }
        subscriber.taken = subscriber.queue.removeFirst()
        subscribers[id] = subscriber
    }

    private mutating func noteDemand() {
        for (id, subscriber) in subscribers {
            plan.note(
                id, hasRoom: subscriber.queue.count < Self.queueLimit,
                isHungry: subscriber.isWaiting && subscriber.queue.isEmpty)
        }
    }

    /// What the reader's offer does: what was offered before is trimmed off.
    private mutating func offer(_ id: Int, after: Int64, through: Int64) {
        guard var subscriber = subscribers[id] else { return }
        if after > subscriber.progress {
            faults.append("\(id) has everything up to \(subscriber.progress) and is offered what lies behind \(after)")
        }
        guard through > subscriber.progress else { return }
        subscriber.queue.append(through)
        subscriber.isWaiting = false
        subscribers[id] = subscriber
    }

    // MARK: The head

    private mutating func look(moving move: Int64) {
        noteDemand()
        let hungry = plan.members.filter { $0.value.place == .head && $0.value.isHungry }
        for id in plan.evict() {
            if hungry[id] != nil { faults.append("\(id) is hungry and was evicted") }
            guard var subscriber = subscribers[id] else { continue }
            subscriber.queue = []
            subscribers[id] = subscriber
            plan.fellBack(id, to: subscriber.taken)
        }
        let mayRead = plan.headMayRead
        if !mayRead, !hungry.isEmpty { faults.append("\(hungry.keys) wait for one that has no room") }
        let (joining, head) = (plan.joining, plan.head)
        if let joining {
            let isCut = Bool.random(using: &random)
            let end = isCut && joining.after < head ? Int64.random(in: joining.after...head, using: &random) : head
            for id in joining.ids { offer(id, after: joining.after, through: end) }
            plan.joined(joining.ids, through: end)
        }
        guard mayRead, move > 0 else { return }
        for (id, member) in plan.members where member.place == .head {
            offer(id, after: head, through: head + move)
        }
        plan.headMoved(to: head + move)
    }

    private mutating func jump() {
        plan.headJumped(to: plan.head + Int64.random(in: 1...200_000, using: &random))
    }

    // MARK: Lanes

    private mutating func begin(_ lane: Int) {
        noteDemand()
        let hungry = plan.members.values.contains {
            $0.place == .behind && $0.isHungry && plan.head - $0.cursor > ReadPlan.joinDistance
        }
        guard let stretch = plan.nextStretch(for: lane) else {
            if hungry { faults.append("a hungry subscription is behind, and a free lane has nothing to read") }
            return
        }
        stretches[lane] = stretch
        let length = stretch.through - stretch.after
        if stretch.members.isEmpty || length < 1 || length > ReadPlan.lengths.upperBound
            || stretch.through > plan.head
        {
            faults.append("\(stretch), with the head at \(plan.head)")
        }
    }

    private mutating func end(_ lane: Int) {
        guard let stretch = stretches[lane] else { return }
        let choice = Int.random(in: 0..<6, using: &random)
        if choice < 2 {
            stretches[lane] = nil
            plan.failed(stretch, tookTooLong: choice == 0)
        } else {
            let isCut = choice == 2
            finish(
                lane, through: isCut ? Int64.random(in: stretch.after...stretch.through, using: &random) : nil,
                time: .milliseconds(Int.random(in: 1...500, using: &random)))
        }
    }

    private mutating func finish(_ lane: Int, through end: Int64?, time: Duration) {
        guard let stretch = stretches[lane] else { return }
        stretches[lane] = nil
        for id in stretch.members { offer(id, after: stretch.after, through: end ?? stretch.through) }
        plan.joined(stretch.members, through: end ?? stretch.through)
        plan.finished(stretch, through: end ?? stretch.through, time: time, isCut: end != nil)
    }

    // MARK: What holds at any time

    private mutating func check() {
        var reading: [Int: Int] = [:]
        for case let stretch? in stretches {
            for id in stretch.members {
                if let other = reading.updateValue(stretch.lane, forKey: id) {
                    faults.append("\(id) is in the lanes \(other) and \(stretch.lane)")
                }
            }
        }
        for (id, subscriber) in subscribers {
            guard let member = plan.members[id] else {
                faults.append("\(id) is forgotten")
                continue
            }
            if member.cursor != subscriber.progress {
                faults.append("\(id) was offered everything up to \(subscriber.progress), not \(member.cursor)")
            }
            switch member.place {
            case .head where member.cursor < plan.head: faults.append("\(id) is at the head without its events")
            case .lane(let lane) where reading[id] != lane: faults.append("\(id) waits for a lane that does not read")
            case .behind where reading[id] != nil: faults.append("\(id) is read for, and free for another lane")
            default: break
            }
        }
        if plan.members.count != subscribers.count { faults.append("members that have left: \(plan.members.keys)") }
    }
}
