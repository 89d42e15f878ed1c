import FoundationEssentials
import TestSupport
import Testing

@testable import Appliance

/// What a request for a job may say.
@Suite struct JobRequestTests {
    private func read(_ text: String, isForm: Bool = false) throws -> JobRequest {
        guard case .object(let members) = try JSONParser.parse(text) else { throw Failure(.usage, "no object") }
        return try JobRequest(members, isForm: isForm, now: Date(timeIntervalSince1970: 1_796_068_865))
    }

    @Test func `everything that a job has can be asked for`() throws {
        let request = try read(
            """
            {"name": "week", "kind": "republish", "consumer": "identity", "since": "7d", "until": "2026-11-30",
             "from_position": 5, "to_position": 90, "contexts": ["A", "B"], "aggregate_types": "User", "aggregate_ids": [],
             "event_types": ["X"], "topic": "replay", "rate": 50.5, "courtesy": true, "dry_run": false, "actor": "ada"}
            """)
        let (order, selection) = (request.order, request.order.selection)
        #expect(order.name == "week" && order.consumer == "identity" && order.isQueued && !request.isDryRun)
        #expect(order.rate == 50.5 && order.isCourteous == true)
        #expect(
            selection.contexts == ["A", "B"] && selection.aggregateTypes == ["User"] && selection.aggregateIDs == [])
        #expect(selection.fromPosition == 5 && selection.toPosition == 90 && selection.topic == "replay")
        #expect(selection.fromTime == Date(timeIntervalSince1970: 1_795_464_065))
        #expect(selection.timesInFull?.contains("2026-11-30T00:00:00Z (2026-11-30)") == true)
        let form = try read(
            #"{"name": "w", "consumer": "c", "rate": "7", "event_types": "X, Y,", "topic": "", "dry_run": "true"}"#,
            isForm: true)
        #expect(form.isDryRun && form.order.rate == 7 && form.order.selection.eventTypes == ["X", "Y"])
        #expect(form.order.selection.topic == nil)
        #expect(try read(#"{"consumer": "c", "dry_run": true}"#).isDryRun)
    }

    @Test(arguments: [
        (#"{}"#, "consumer"), (#"{"consumer": "c"}"#, "name"), (#"{"name": "a b", "consumer": "c"}"#, "no name"),
        (#"{"name": "..", "consumer": "c"}"#, "no name"), (#"{"name": 7, "consumer": "c"}"#, "a text"),
        (#"{"name": "a", "consumer": ""}"#, "a text"), (#"{"name": "a", "consumer": "c\u0000"}"#, "a text"),
        (#"{"name": "a", "consumer": "c", "colour": "red"}"#, "nothing that a job has"),
        (#"{"name": "a", "consumer": "c", "kind": "prune"}"#, "republish"),
        (#"{"name": "a", "consumer": "c", "from": "soon"}"#, "no time"),
        (#"{"name": "a", "consumer": "c", "from": "7d", "since": "7d"}"#, "mean the same"),
        (#"{"name": "a", "consumer": "c", "from": "1d", "to": "2d"}"#, "reversed"),
        (#"{"name": "a", "consumer": "c", "from_position": 1.5}"#, "a position"),
        (#"{"name": "a", "consumer": "c", "from_position": 99999999999999999999}"#, "a position"),
        (#"{"name": "a", "consumer": "c", "from_position": -1}"#, "a position"),
        (#"{"name": "a", "consumer": "c", "from_position": 9, "to_position": 3}"#, "reversed"),
        (#"{"name": "a", "consumer": "c", "from_position": "3"}"#, "a number"),
        (#"{"name": "a", "consumer": "c", "rate": 0}"#, "above 0"),
        (#"{"name": "a", "consumer": "c", "rate": 1e400}"#, "a number"),
        (#"{"name": "a", "consumer": "c", "courtesy": "yes"}"#, "true or false"),
        (#"{"name": "a", "consumer": "c", "event_types": [7]}"#, "a list of texts"),
        (#"{"name": "a", "consumer": "c", "contexts": {"a": "b"}}"#, "a list of texts"),
    ])
    func `what is wrong is refused by name`(text: String, word: String) throws {
        do {
            _ = try read(text)
            Issue.record("\(text) is taken")
        } catch let failure as Failure {
            #expect(failure.status == .usage && failure.message.contains(word), "\(failure.message)")
        }
    }
}
