import EventSourcing
import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance
@testable import KafkaBridge

/// Records as a configuration wants them, relayed, read back, compared with the events, and published again.
@Suite(.timeLimit(.minutes(3))) struct RecordsCommandTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private static let payload = """
        key: "{metadata./tenant}:{aggregate_id}"
        partitioner: crc32
        headers: { event_id: id, event_type: type, global_position: pos, event_version: false, origin: { value: shop },
          country: { payload: /address/country } }
        metadata_headers: [/user/role]
        value: { drop: [/secret], rename: { /name: client }, mask: [/phone], hash: [/email], hash_key_file: KEY }
        tombstone_on: [Erased]
        """

    private static func cloudEvents(_ format: String) -> String {
        """
        format: \(format)
        cloudevents_source: /shop
        headers: { origin: { value: shop }, country: { payload: /address/country } }
        metadata_headers: all
        value: { keep: [/name, /email], hash: [/email], hash_key_file: KEY }
        tombstone_on: [Erased]
        """
    }

    @Test(arguments: [payload, cloudEvents("cloudevents_binary"), cloudEvents("cloudevents_structured")])
    func `what is relayed is what was asked for, and verify and republish know it`(_ records: String) async throws {
        try await RelayFixture.with { place in
            let folder = try TestFolder()
            let key = try folder.write("key", "Jefe\n")
            let lines = records.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
            let file = try folder.write(
                "godwit.yaml",
                "consumers:\n  identity:\n" + lines.replacingOccurrences(of: "KEY", with: key) + "\n")
            let more = ["GODWIT_CONFIG": file]
            let connection = try await place.test.connect()
            let metadata = #"{"tenant": "acme", "user": {"role": "r"}, "traceparent": "\#(Self.parent)"}"#
            let payload =
                #"{"name": "N", "email": "what do ya want for nothing?", "phone": 1, "secret": "s3cr3t", "address": {"country": "DE"}}"#
            for type in ["Happened", "Erased", "Happened"] {
                try await place.insert(
                    [
                        "event_type": "'\(type)'", "metadata": "'\(metadata)'",
                        "payload": "convert_to('\(payload)', 'UTF8')",
                    ], on: connection)
            }
            await connection.close()
            let report = try await place.report(["catch-up", "identity"], more)
            #expect(report["published"]?.integer == 3)
            let found = try await place.kafka.readAll([place.topic])
            try #require(found.count == 3)
            #expect(found[1].value == nil && found[0].value != nil)
            for record in found {
                #expect(record.header("traceparent") == Self.parent)
                let text = String(decoding: record.value ?? [], as: UTF8.self)
                #expect(!text.contains("s3cr3t") && !text.contains("nothing"))
            }
            let value = String(decoding: found[0].value ?? [], as: UTF8.self)
            #expect(value.contains("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
            if records == Self.payload {
                #expect(found[0].key == Array("acme:a".utf8) && found[0].header("type") == "Happened")
                #expect(found[0].header("origin") == "shop" && found[0].header("country") == "DE")
                #expect(found[0].header("id")?.count == 36 && found[0].header("role") == "r")
                #expect(value.contains(#""client":"N""#) && value.contains(#""phone":"***""#))
                #expect(found[0].header("event_version") == nil && found[0].header("pos") == "1")
            }
            let clean = try await place.report(["verify", "--consumer", "identity", "--values"], more)
            #expect(clean["clean"] == true && clean["delivered"]?.integer == 3, "\(clean.text)")
            // Another key of the hashes makes other values, which `verify` sees.
            try folder.write("key", "other")
            let result = try await place.godwit(["verify", "--consumer", "identity", "--values", "--json"], more)
            let different = try JSONValue(parsing: result.standardOutput)
            #expect(different["clean"] == false, "\(different.text)")
            try folder.write("key", "Jefe")
            _ = try await place.report(
                ["republish", "--job", "again", "--consumer", "identity", "--from-position", "1"], more)
            let again = try await place.kafka.readAll([place.topic])
            #expect(again.count == 6)
            #expect(
                again.suffix(3).map(\.value) == found.map(\.value) && again.suffix(3).map(\.key) == found.map(\.key))
            #expect(again.last?.header("traceparent") == Self.parent)
        }
    }
}
