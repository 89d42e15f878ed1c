import Glibc
import Testing

/// The words that the style replaces. Plain English has a clearer one for each.
@Suite struct WordTests {
    /// A word or phrase, and what to write instead.
    struct Rule: Sendable {
        let words: [String]
        let instead: String
        /// What may follow, so that it is meant otherwise.
        var unlessFollowedBy: [String] = []
        /// Whether case matters: for the names of types and functions.
        var isName = false
    }

    static let rules = [
        Rule(words: ["whoever"], instead: "the caller, the next owner, a client that …"),
        Rule(words: ["somebody", "someone"], instead: "an operator, another worker, a program"),
        Rule(words: ["is said"], instead: "is reported, is named"),
        Rule(words: ["tells"], instead: "shows, reports, notifies; distinguishes"),
        Rule(words: ["fares"], instead: "the state or the condition of"),
        Rule(words: ["obey", "obeys", "obeyed"], instead: "apply, respect"),
        Rule(words: ["mend", "mends", "mended"], instead: "fix, correct, repair"),
        Rule(words: ["stands"], instead: "is, halts, does not move", unlessFollowedBy: ["for"]),
        Rule(
            words: [", for one"], instead: "for example, such as",
            unlessFollowedBy: "abcdefghijklmnopqrstuvwxyz`".map { String($0) }),
        Rule(
            words: [
                "ConsumerLoop", "ConsumerSession", "Consignment", "ProducerRun", "JobHold", "JobPlace", "HorizonLook",
                "HorizonFacts", "tellOthers", "tellRelays", "ControlOrder", "ConsumerJudgement", "FailureVerdict",
                "ReadBounds", "ByteBound", "worksOutside", "convict", "doubted",
            ], instead: "the name in the style's table", isName: true),
    ]

    /// Files that are about to be written anew; the numbers may only shrink.
    static let limits = [
        "Sources/Appliance/Admin/AdminListener.swift": 1, "Sources/Appliance/Admin/AdminEndpoints.swift": 1,
        "Sources/Appliance/Admin/AdminRequest.swift": 1, "Sources/Appliance/Admin/RelayObserver.swift": 1,
        "Sources/Appliance/Admin/RelayStatus.swift": 2, "Sources/Appliance/Admin/StoreMetrics.swift": 2,
        "Sources/Appliance/Dashboard/ConsumerPage.swift": 1, "Sources/Appliance/Dashboard/DashboardAssets.swift": 1,
        "Sources/Appliance/Dashboard/JobsPage.swift": 2, "Sources/Appliance/Dashboard/PageFrame.swift": 1,
        "Sources/KafkaBridge/Publishing/DeliveryState.swift": 1,
        "Sources/KafkaBridge/Publishing/KafkaPublisher.swift": 1,
    ]

    static func findings(in file: SourceTree.File) -> [Finding] {
        // Most files have none of them: looked for in the whole text first.
        let lowered = file.text.lowercased()
        let rules = rules.filter { rule in
            rule.words.contains { occurs($0, in: rule.isName ? file.text : lowered) }
        }
        if rules.isEmpty { return [] }
        return file.lines.enumerated().flatMap { index, line in
            rules.flatMap { rule in
                rule.words.filter { occurs($0, in: line, rule) }.map {
                    Finding(path: file.path, line: index + 1, text: "\"\($0)\": write \(rule.instead)")
                }
            }
        }
    }

    private static func occurs(_ word: String, in line: Substring, _ rule: Rule) -> Bool {
        let text = rule.isName ? String(line) : line.lowercased()
        var rest = text[...]
        while let range = rest.firstRange(of: word) {
            let before = rest[..<range.lowerBound].last ?? text[..<range.lowerBound].last
            let after = rest[range.upperBound...]
            let isBegun = word.first.map(isLetter) == true && before.map(isLetter) == true
            let isWhole = !isBegun && after.first.map(isLetter) != true
            let next = after.drop { $0 == " " }
            if isWhole, !rule.unlessFollowedBy.contains(where: { next.hasPrefix($0) }) { return true }
            rest = after
        }
        return false
    }

    private static func occurs(_ word: String, in text: String) -> Bool {
        text.withCString { strstr($0, word) != nil }
    }

    private static func isLetter(_ character: Character) -> Bool { character.isLetter || character == "_" }

    @Test func `sources, tests and documentation have none of the words that the style replaces`() {
        let found = SourceTree.prose.flatMap(Self.findings).beyond(Self.limits)
        #expect(found.isEmpty, "\(found.report)")
    }

    @Test(arguments: [
        ("/// Whoever reads it.", 1), ("\"nothing is said\"", 1), ("// It stands still, and tells nobody.", 2),
        ("/// `p` stands for a partition.", 0), ("let understands = 1", 0), ("struct HorizonLook {}", 1),
        ("// the consumer loop of somebody", 1),
        ("/// Some setting, for one.", 1), ("for a hundred consumers, for one consumer", 0),
    ])
    func `each is found as a whole word, wherever it is`(_ line: String, _ count: Int) {
        #expect(Self.findings(in: SourceTree.File("a.swift", line)).count == count)
    }
}
