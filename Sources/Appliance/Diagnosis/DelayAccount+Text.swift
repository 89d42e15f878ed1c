extension DelayAccount.Cause {
    /// For people.
    var name: String {
        switch self {
        case .paused: "pause"
        case .notServed: "no process"
        case .notRead: "source not read"
        case .halted: "halt"
        case .openTransaction: "open transaction"
        case .brokers: "brokers"
        case .rateLimit: "rate limit"
        case .queue: "reading and queue"
        case .unknown: "unknown"
        }
    }
}

extension DelayAccount {
    /// For people: sentences by consumer, and the shares.
    static func text(_ accounts: [DelayAccount], on terminal: Terminal = .plain) -> String {
        if accounts.isEmpty { return "there is no consumer\n" }
        var table = TextTable(["consumer", "cause", "time", "share"], rightAligned: [2, 3])
        for account in accounts {
            for share in account.shares {
                table.add([account.consumer, share.cause.name, time(share), account.percent(share)])
            }
        }
        let sentences = accounts.map(\.sentences).joined(separator: "\n")
        return sentences + (accounts.contains { !$0.shares.isEmpty } ? "\n" + table.text(on: terminal) : "")
    }

    private var sentences: String {
        var text = "\(consumer): "
        if waiting == 0 {
            text += "nothing waits\n"
        } else {
            let place = position.map { ", position \($0)\(segment.map { " in segment \($0)" } ?? "")," } ?? ""
            text += "the oldest undelivered event\(place) is "
            text += (age.map { "\(AgeText.format($0)) old" } ?? "of unknown age") + "\n"
            for share in shares {
                text += "  \(Self.time(share)) \(share.cause.name): \(LogLine.harmless(share.text))\n"
            }
        }
        if let stages { text += "  \(stages.text)\n" }
        return text
    }

    private static func time(_ share: Share) -> String { share.time.map { AgeText.format($0) } ?? "?" }

    private func percent(_ share: Share) -> String {
        guard let time = share.time, let age, age > .zero else { return "?" }
        return "\(Int((time / age * 100).rounded())) %"
    }

    var json: JSONValue {
        [
            "consumer": .string(consumer),
            "waiting_events": .number(waiting),
            "age_seconds": waiting == 0 ? 0 : age.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
            "position": position.map { .number($0) } ?? .null,
            "segment": segment.map { .number($0) } ?? .null,
            "shares": .array(
                shares.map { share in
                    [
                        "cause": .string(share.cause.rawValue),
                        "seconds": share.time.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
                        "text": .string(share.text),
                    ]
                }),
            "average_batch": stages.map { stages in
                [
                    "batches": .number(stages.count, digits: 0),
                    "settle_seconds": .number(stages.settle / stages.count, digits: 6),
                    "queue_seconds": .number(stages.queue / stages.count, digits: 6),
                    "deliver_seconds": .number(stages.deliver / stages.count, digits: 6),
                ]
            } ?? .null,
        ]
    }
}
