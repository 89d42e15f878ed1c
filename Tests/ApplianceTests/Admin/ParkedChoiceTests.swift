import KafkaBridge
import Testing

@testable import Appliance

/// Which parked events a request means, and what is answered of several decisions.
@Suite struct ParkedChoiceTests {
    private func form(_ fields: [(String, String)]) throws(Failure) -> ParkedChoice {
        try ParkedChoice(fields.map { JSONValue.Member($0.0, .string($0.1)) }, isForm: true)
    }

    private func json(_ text: String) throws -> ParkedChoice {
        guard case .object(let members) = try JSONParser.parse(text) else { throw Failure(.usage, "no object") }
        return try ParkedChoice(members, isForm: false)
    }

    @Test func `a form without a selected event decides about nothing, whatever its page was filtered by`() throws {
        for fields in [
            [("consumer", "a"), ("aggregate", "x")], [("consumer", "a")], [("source", "s"), ("consumer", "a")], [],
        ] as [[(String, String)]] {
            do throws(Failure) {
                let choice = try form(fields)
                Issue.record("\(fields): \(choice.byConsumer)")
            } catch { #expect(error.message.contains("nothing is selected") && error.status == .usage) }
        }
        let some = try form([("consumer", "a"), ("aggregate", "x"), ("event", "7:a")])
        #expect(some.byConsumer.map(\.selections) == [[DeadLetterSelection(position: 7)]])
        let every = try form([("consumer", "a"), ("aggregate", "x"), ("event", "7:a"), ("every", "true")])
        #expect(every.byConsumer.map(\.selections) == [[DeadLetterSelection(aggregateID: "x")]])
        #expect(throws: Failure.self) { try form([("consumer", "a"), ("aggregate", ""), ("every", "true")]) }
        #expect(throws: Failure.self) { try form([("consumer", "a"), ("every", "yes")]) }
    }

    @Test(arguments: [
        (#"{"consumer": "a", "positions": []}"#, "nothing is selected"),
        (#"{"consumer": "a", "positions": [], "aggregate": "x"}"#, "not to be combined"),
        (#"{"consumer": "a", "positions": [1], "aggregate": "x"}"#, "not to be combined"),
        (#"{"consumer": "a", "positions": [], "every": true}"#, "not to be combined"),
        (#"{"consumer": "a", "every": true, "aggregate": ""}"#, "must not be empty"),
        (#"{"consumer": "a", "every": "true"}"#, "true or false"),
    ])
    func `positions that are given exclude everything wider`(_ text: String, _ reason: String) throws {
        do {
            let choice = try json(text)
            Issue.record("\(choice.byConsumer)")
        } catch let error as Failure {
            #expect(error.message.contains(reason) && error.status == .usage, "\(error)")
        }
        #expect(try json(#"{"consumer": "a", "positions": [1], "every": false}"#).byConsumer.count == 1)
        #expect(try json(#"{"consumer": "a", "positions": null, "aggregate": "x"}"#).byConsumer.count == 1)
    }

    @Test func `what was refused of several decisions is answered with its reasons, and so is what cut them short`() {
        var outcome = ParkedOutcome()
        var other = ParkedOutcome()
        other.refuse(DeadLetterSelection(position: 1_005), of: "a", .nothingOpen(consumer: "a"))
        outcome.add(other)
        let context = PageContext(caller: .anyone, route: .parked, path: "/parked?consumer=a")
        let page = outcome.html(failure: nil, context).text
        #expect(page.contains("<h1>Nothing was changed</h1>") && page.contains("1 was refused"))
        #expect(page.contains("position 1,005 of a") && page.contains("href=\"/parked?consumer=a\""))
        #expect(!page.contains("not known"))
        let cut = outcome.html(failure: "the <database> is away", context).text
        #expect(!cut.contains("Nothing was changed") && cut.contains("it is not known whether it was changed"))
        #expect(cut.contains("the &lt;database&gt; is away"))
        #expect(outcome.json["changed"] == 0)
    }
}
