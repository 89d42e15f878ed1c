/// How a command ends: the process's exit code, by what a caller can do about it.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case success = 0
    case accountNotClean = 1
    case stoppedAtOnce = 3
    case unhealthy = 4
    case nothingSelected = 5
    case unproven = 6
    case databaseUnreachable = 10
    case databaseRefused = 11
    case schemaMissing = 12
    case databaseRights = 13
    case conflict = 14
    case databaseUnfit = 15
    case databaseBusy = 16
    case kafkaUnreachable = 20
    case kafkaRefused = 21
    case topicMissing = 22
    case kafkaRights = 23
    case halted = 24
    case jobUnfinished = 30
    case ownedElsewhere = 31
    case jobRefused = 32
    case notParked = 33
    case usage = 64
    case input = 65
    case missingProgram = 69
    case internalError = 70
    case addressTaken = 71
    case dataFolder = 74
    case configuration = 78

    /// For programs: `database-unreachable`.
    package var name: String {
        "\(self)".map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
    }

    /// For the table of `godwit exit-codes` and its page.
    package var meaning: String {
        switch self {
        case .success: "all went well"
        case .accountNotClean:
            "demo, verify, audit: there is loss, doubling or disorder, or a record in the wrong topic"
        case .stoppedAtOnce:
            "run: gave up what was under way, at a second signal or the end of its time; the next start goes on from the checkpoint"
        case .unhealthy:
            "status, doctor: something is wrong; verify: events are not delivered, and will not be by themselves; the output says what"
        case .nothingSelected:
            "verify, republish, preview: there is no such event as was asked for, so nothing was done"
        case .unproven: "verify: nothing wrong was found, and not everything could be seen; the output says what"
        case .databaseUnreachable: "no PostgreSQL server answers"
        case .databaseRefused: "PostgreSQL refuses user, password, database or certificate"
        case .schemaMissing: "a table or column is missing: run `godwit migrate`"
        case .databaseRights: "the database role lacks a right"
        case .conflict: "append: another version than expected, or an event id that is stored already"
        case .databaseUnfit: "the database, for example a standby, or a recorded setting does not allow a safe relay"
        case .databaseBusy: "the database answers, and has no room, no time or no lock: the message says which"
        case .kafkaUnreachable: "no Kafka broker answers"
        case .kafkaRefused: "Kafka refuses the login or the certificate"
        case .topicMissing: "a topic does not exist"
        case .kafkaRights: "Kafka lacks a right for this user, for example on a topic"
        case .halted:
            "catch-up, republish: halts at an event that can never be delivered as it is, or whose topic takes no records"
        case .jobUnfinished: "republish, catch-up: told to stop before the end; run it again to go on"
        case .ownedElsewhere: "republish, catch-up, prune, retire, resegment, adopt: another process does it already"
        case .jobRefused: "republish, jobs: no such job, another one of that name, or one that has ended"
        case .notParked: "parked: nothing of what was asked for is parked, or a relay is delivering it"
        case .usage: "the command line is wrong"
        case .input: "append: a line of the input is wrong"
        case .missingProgram: "dev, demo: the PostgreSQL server is not installed here, or does not start"
        case .internalError: "anything else, possibly a bug"
        case .addressTaken: "run, broker: the address cannot be listened on"
        case .dataFolder: "broker: the data directory cannot be used"
        case .configuration: "the configuration is wrong, or asks for more file descriptors than the system allows"
        }
    }

    /// The page `ExitCodes.md` of the documentation.
    package static var markdown: String {
        let rows = allCases.map { "| \($0.rawValue) | `\($0.name)` | \($0.meaning) |" }
        return """
            # Exit codes

            How each command of `godwit` ends, sorted by what a caller can do about it.

            Codes 10 to 16 concern the database, 20 to 24 Kafka, 30 to 33 jobs and other work, 64 and above the caller or the machine.
            `godwit exit-codes` prints them, with `--json` for programs; this page is what `godwit exit-codes --markdown` prints.

            | code | name | meaning |
            |---:|---|---|
            \(rows.joined(separator: "\n"))
            """
    }
}
