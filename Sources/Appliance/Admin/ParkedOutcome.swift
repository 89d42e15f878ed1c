import KafkaBridge

/// What was done of decisions about several parked events. A pure value.
struct ParkedOutcome: Sendable {
    struct Refusal: Sendable, Hashable {
        let consumer: String
        /// `nil` where more than one was meant.
        let position: Int64?
        let reason: String
    }

    private(set) var changed: [(consumer: String, position: Int64)] = []
    private(set) var refused: [Refusal] = []

    var isEmpty: Bool { changed.isEmpty && refused.isEmpty }

    mutating func add(_ letters: [DeadLetter]) { changed += letters.map { ($0.consumer, $0.position) } }

    mutating func refuse(_ selection: DeadLetterSelection, of consumer: String, _ error: DeadLetterError) {
        refused.append(Refusal(consumer: consumer, position: selection.position, reason: error.description))
    }

    mutating func add(_ other: ParkedOutcome) {
        changed += other.changed
        refused += other.refused
    }

    var members: [JSONValue.Member] {
        [
            .init("changed", .number(changed.count)),
            .init(
                "events",
                .array(
                    changed.prefix(1_000).map { ["consumer": .string($0.consumer), "position": .number($0.position)] })),
            .init(
                "refused",
                .array(
                    refused.map {
                        [
                            "consumer": .string($0.consumer), "position": $0.position.map { .number($0) } ?? .null,
                            "error": .string($0.reason),
                        ]
                    })),
        ]
    }

    var json: JSONValue { .object(members) }

    /// The page that answers a form where not everything was done.
    ///
    /// - Parameter failure: what cut the decisions short; `nil` where nothing did.
    func html(failure: String?, _ context: PageContext) -> HTML {
        let count =
            changed.count == 1
            ? "1 event was decided about" : "\(CountText.format(changed.count)) events were decided about"
        let title = !changed.isEmpty ? count : failure == nil ? "Nothing was changed" : "Nothing is known to be changed"
        let cut: HTML =
            failure.map {
                """
                <p class="failed" role="alert">\($0)</p>
                <p>Of what was being decided at that moment it is not known whether it was changed; what comes after it was not \
                looked at. See on the list what still waits.</p>
                """
            } ?? .empty
        let items = refused.prefix(Self.mostShown).map { refusal -> HTML in
            let what: HTML = refusal.position.map { "position \(CountText.format($0)) of " } ?? HTML.empty
            return "<li class=\"bad\">\(what)\(refusal.consumer): \(PageFrame.withCode(refusal.reason))</li>"
        }
        let rest: HTML =
            refused.count > Self.mostShown
            ? "<li>and \(CountText.format(refused.count - Self.mostShown)) more</li>" : .empty
        let refusals: HTML =
            refused.isEmpty
            ? HTML.empty
            : "<p>\(CountText.format(refused.count)) \(refused.count == 1 ? "was" : "were") refused:</p><ul class=\"why\">\(items)\(rest)</ul>"
        return PageFrame.page(
            "Decided", context,
            """
            <h1>\(title)</h1>\(cut)\(refusals)
            <p><a href="\(LocalPath.safe(context.path))">Back</a></p>
            """)
    }

    private static let mostShown = 50
}

/// Decisions that were cut short by an error after some of them were taken.
struct DecisionsCutShort: Error {
    let outcome: ParkedOutcome
    let cause: any Error
}
