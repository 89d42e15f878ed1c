package import KafkaBridge

extension VerificationReport {
    private var findings: [(name: String, finding: Finding, text: String)] {
        [
            ("missing", missing, "missing"),
            ("doubled", doubled, "more than once"),
            ("out_of_order", outOfOrder, "behind a later event of their aggregate"),
            ("pending", pending, "not due yet: behind the consumer's checkpoint"),
            (
                "passed_over", passedOver,
                "passed over: they lie before the consumer's start, or outside of the scope that it had then"
            ),
            (
                "unrecorded", unrecorded,
                "not delivered, from before Godwit recorded where the consumer began and which events it wanted: missing, or "
                    + "never to be delivered; `godwit republish` with --from-position and --to-position publishes them"
            ),
            ("parked", parked, "parked until somebody redrives or discards them"),
            ("dead_lettered", deadLettered, "in the dead-letter topic instead"),
            ("discarded", discarded, "discarded by somebody"),
            ("not_to_be_known", unknowable, "cannot be known: records of their time are deleted by now"),
        ]
    }

    package func json(allowingDoubles: Bool, repair: Job?) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("consumer", .string(consumer)), .init("from_position", .number(after + 1)),
            .init("to_position", .number(through)),
            .init("clean", .boolean(isClean(allowingDoubles: allowingDoubles))),
            .init("committed", .number(committed)), .init("delivered", .number(delivered)),
            .init("republished", .number(republished)), .init("only_republished", .number(mended)),
        ]
        for (name, finding, _) in findings {
            let examples = finding.examples.map { example -> JSONValue in
                ["position": .number(example.position), "event_id": .string(example.eventID)]
            }
            members.append(.init(name, ["events": .number(finding.count), "examples": .array(examples)]))
        }
        members.append(.init("consumer_has_checkpoints", .boolean(hasCheckpoints)))
        members.append(.init("records_read", .number(recordsRead)))
        members.append(.init("records_without_event_id", .number(unnamedRecords)))
        members.append(
            .init("topics", .array(topics.map { ["topic": .string($0.name), "events": .number($0.events)] })))
        members.append(.init("repair", repair.map { JobReport($0).json } ?? .null))
        return .object(members)
    }

    package var text: String {
        var lines = [
            "\(committed) events committed at positions \(after + 1) to \(through), \(delivered) of them delivered"
        ]
        if !hasCheckpoints {
            lines.append("  the consumer \(consumer) was never started here, so every event counts as due")
        }
        if republished > 0 {
            lines.append("  \(republished) published again by jobs, \(mended) of them only by jobs")
        }
        if unnamedRecords > 0 {
            lines.append(
                "  \(unnamedRecords) records in the topics name no event: they are of others, or from when \"headers\" left out "
                    + "event_id; what they carry counts as not found, and a repair publishes it again")
        }
        for (_, finding, text) in findings where finding.count > 0 {
            lines.append("  \(finding.count) \(text)")
            for example in finding.examples.prefix(5) {
                lines.append("    position \(example.position), event \(example.eventID)")
            }
            if finding.count > 5 { lines.append("    …") }
        }
        return lines.joined(separator: "\n")
    }
}
