import TestSupport

/// What is done to a simulated world, and when: writers' transactions and faults. All else follows from the seed.
struct Plan {
    struct Entry {
        let time: Int
        let what: What
        /// Of what is random in it.
        let seed: UInt64
    }

    enum What: String, CaseIterable {
        // Writers.
        case insert, drawFirst, savepoint, drawOnly, rollBack, prepare, copy, copyRolledBack, updateOnly, longWriter
        // Processes.
        case kill, freeze, stop, cutFromDatabase, cutFromBrokers, slow, moveClock, endSessions
        // The database.
        case restart, failOver, loseCommits, truncate, swapTable, hideRows, databaseAway
        // Brokers.
        case brokersDown, lossy, deleteTopic, growTopic, poison
        // Operators.
        case rescope, accept

        static let writers: [What] = [
            .insert, .insert, .insert, .insert, .drawFirst, .drawFirst, .savepoint, .drawOnly, .rollBack, .prepare,
            .copy,
            .copyRolledBack, .updateOnly, .longWriter,
        ]

        static let faults: [What] = [
            .kill, .kill, .freeze, .freeze, .freeze, .stop, .cutFromDatabase, .cutFromDatabase, .cutFromBrokers, .slow,
            .moveClock, .endSessions, .restart, .failOver, .loseCommits, .loseCommits, .truncate, .swapTable, .hideRows,
            .databaseAway, .brokersDown, .lossy, .lossy, .lossy, .deleteTopic, .growTopic, .poison, .rescope, .accept,
        ]
    }

    let seed: UInt64
    let processes: Int
    var entries: [Entry]

    /// How long things are broken, in milliseconds.
    static let length = 5_000

    init(seed: UInt64) {
        self.seed = seed
        var random = Seeded(seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        processes = Int.random(in: 1...10, using: &random) == 1 ? 1 : Int.random(in: 2...3, using: &random)
        var entries: [Entry] = []
        func add(_ list: [What], _ count: Int) {
            for _ in 0..<count {
                guard let what = list.randomElement(using: &random) else { continue }
                let time = Int.random(in: 300...Self.length, using: &random)
                entries.append(Entry(time: time, what: what, seed: random.next()))
            }
        }
        add(What.writers, Int.random(in: 6...16, using: &random))
        // Some without any fault: then nothing comes twice.
        add(What.faults, Int.random(in: 0...7, using: &random))
        self.entries = entries.sorted { $0.time < $1.time }
    }

    var isCalm: Bool { !entries.contains { What.faults.contains($0.what) } }

    var description: String {
        (["\(processes) processes, seed \(seed)"] + entries.map { "\($0.time) ms  \($0.what.rawValue)" }).joined(
            separator: "\n")
    }
}
