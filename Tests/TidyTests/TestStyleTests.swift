import Testing

/// How tests are written: a sentence each, and no sleep for a guess.
@Suite struct TestStyleTests {
    private static let tests = SourceTree.files(in: "Tests", ending: "Tests.swift")

    /// Tests whose name is not a sentence in backticks.
    static func unnamed(in file: SourceTree.File) -> [Finding] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            let code = lines[index].drop { $0 == " " }
            guard !code.hasPrefix("//"), let test = lines[index].firstRange(of: "@Test") else { return nil }
            // Its function is on the same line or, behind arguments, on one of the next.
            let rest = [lines[index][test.upperBound...]] + lines[(index + 1)...].prefix(60)
            guard let line = rest.first(where: { $0.contains("func ") }), let name = line.firstRange(of: "func ") else {
                return nil
            }
            let isSentence = line[name.upperBound...].hasPrefix("`")
            return isSentence
                ? nil : Finding(path: file.path, line: index + 1, text: "name it with a sentence: \(line)")
        }
    }

    @Test func `each test is named by a sentence that says what holds`() {
        #expect(Self.tests.count > 150)
        let found = Self.tests.filter { $0.path != "Tests/TidyTests/TestStyleTests.swift" }.flatMap(Self.unnamed)
        #expect(found.isEmpty, "\(found.report)")
        let bad = "@Test(arguments: [1])\n    func aTest() {}\n@Test func `one that is right`() {}\n"
        #expect(Self.unnamed(in: SourceTree.File("a.swift", bad)).map(\.line) == [1])
    }

    /// Where a test waits for a time, not for an event. The numbers may only shrink.
    static let sleeps: [String: (count: Int, reason: String)] = [
        "Tests/ApplianceTests/Commands/ExactlyOnceProcessTests.swift": (1, "how long a process is frozen"),
        "Tests/ApplianceTests/Commands/FrozenBrokerTests.swift": (1, "longer than librdkafka waits for an answer"),
        "Tests/ApplianceTests/Commands/RelayJobTests.swift": (1, "a queued job stays queued meanwhile"),
        "Tests/ApplianceTests/Commands/ResegmentLoadTests.swift": (2, "the pace of the load, and of kills"),
        "Tests/ApplianceTests/Commands/RollingRestartTests.swift": (2, "the pace of the load, and of looking"),
        "Tests/ApplianceTests/Commands/RotatedSecretTests.swift": (1, "the pace of a fault"),
        "Tests/ApplianceTests/Commands/UnnamedAddressTests.swift": (2, "processor time at rest is measured"),
        "Tests/ApplianceTests/Commands/VerificationFindingsTests.swift": (2, "a wait that nothing shows from outside"),
        "Tests/ApplianceTests/Source/AdoptOnlineTests.swift": (2, "the pace of a writer, and of a command"),
        "Tests/ApplianceTests/World/DatabaseTroubleTests.swift": (9, "how long a fault lasts; no more lines come"),
        "Tests/ApplianceTests/World/DatabaseRefusalTests.swift": (2, "no more lines come meanwhile"),
        "Tests/ApplianceTests/World/NotifyTriggerTests.swift": (1, "the pace of a writer"),
        "Tests/ConsumersTests/Membership/HeartbeatCostTests.swift": (2, "statements at rest are counted"),
        "Tests/ConsumersTests/Membership/OwnershipFaultTests.swift": (6, "nothing happens meanwhile; a fault's pace"),
        "Tests/ConsumersTests/ObservationTests.swift": (2, "a transaction is open for a known time"),
        "Tests/ConsumersTests/Reading/LogReaderTests.swift": (2, "nothing is read meanwhile"),
        "Tests/ConsumersTests/Reading/MemoryTests.swift": (4, "a task begins to wait"),
        "Tests/ConsumersTests/WakeupTests.swift": (1, "nothing is tried meanwhile"),
        "Tests/ConsumersTests/WithdrawalTests.swift": (1, "a task that is cancelled"),
        "Tests/KafkaBridgeTests/Publishing/DeliveryRowsTests.swift": (1, "pauses would have grown meanwhile"),
        "Tests/KafkaBridgeTests/Segments/ResegmentationTests.swift": (1, "the moment of a kill, from a seed"),
        "Tests/PostgresTests/SecretTests.swift": (5, "how long a secret is old; a task that is cancelled"),
        "Tests/PostgresTests/SilentServerTests.swift": (8, "how long a server is silent"),
    ]

    /// Sleeps that are not the pause of a loop that looks again.
    static func sleeps(in file: SourceTree.File) -> [Finding] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            guard lines[index].contains("Task.sleep(") || lines[index].contains("usleep(") else { return nil }
            let isPause = lines[max(0, index - 2)...index].contains { $0.contains("while ") || $0.contains("repeat {") }
            return isPause
                ? nil : Finding(path: file.path, line: index + 1, text: "wait for an event with `eventually`")
        }
    }

    @Test func `no test sleeps for a guess`() {
        let found = Self.tests.filter { $0.path != "Tests/TidyTests/TestStyleTests.swift" }.flatMap(Self.sleeps)
            .beyond(Self.sleeps.mapValues(\.count))
        #expect(found.isEmpty, "\(found.report)")
        let bad = "try await Task.sleep(for: .seconds(1))\n\n\nwhile true { try await Task.sleep(for: .seconds(1)) }"
        #expect(Self.sleeps(in: SourceTree.File("a.swift", bad)).map(\.line) == [1])
    }
}
