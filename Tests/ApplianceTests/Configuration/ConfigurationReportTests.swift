import FoundationEssentials
import Testing

@testable import Appliance

@Suite struct ConfigurationReportTests {
    private static let secrets = """
        database: { url: "postgres://relay:hush1@db:5433/app", password: hush2 }
        kafka:
          bootstrap_servers: "kafka:9092"
          properties: { sasl.password: hush3, linger.ms: 5, ssl.key.password: hush4, ssl.keystore.password: hush5 }
        admin: { token: hush6 }
        consumers: { identity: { topic: "id.{aggregate_type}", bounded_contexts: [Identity] } }
        """

    @Test func `what is shown holds no secret, but where each value comes from`() throws {
        let entries = try ConfigurationFileTests.read(
            Self.secrets, environment: ["GODWIT_WORKER_BATCH_SIZE": "9"]
        ).configuration.entries
        for text in [ConfigurationReport.text(entries), ConfigurationReport.json(entries).text] {
            #expect(!text.contains("hush"))
            #expect(text.contains("relay@db:5433/app"))
            #expect(text.contains("linger.ms"))
            #expect(text.contains("godwit.yaml:3"))
        }
        let text = ConfigurationReport.text(entries)
        #expect(text.contains("    sasl.password: (hidden)"))
        let lines = text.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  batch_size: 9 ") && $0.hasSuffix("# GODWIT_WORKER_BATCH_SIZE") })
        #expect(lines.contains { $0.hasPrefix("    batch_size: 9 ") && $0.hasSuffix("# GODWIT_WORKER_BATCH_SIZE") })
        #expect(lines.contains { $0.hasPrefix("  mode: auto ") && $0.hasSuffix("# default") })
    }

    @Test func `the JSON has the shape of the file`() throws {
        let entries = try ConfigurationFileTests.read(Self.secrets).configuration.entries
        let json = try JSONParser.parse(ConfigurationReport.json(entries).indentedText)
        #expect(json["consumers"]?["identity"]?["topic"]?["value"] == "id.{aggregate_type}")
        #expect(json["consumers"]?["identity"]?["bounded_contexts"]?["value"] == ["Identity"])
        #expect(json["database"]?["tables"]?["events"]?["value"] == "events")
        #expect(json["database"]?["password"] == ["value": .null, "hidden": true, "source": "godwit.yaml:1"])
    }

    @Test func `the example file is right, and names only keys there are`() throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/godwit.yaml")
        let loaded = try Configuration.load(
            file: example.path, environment: [:], needs: [.database, .kafka, .consumers])
        #expect(loaded.configuration.consumers.map(\.name) == ["identity", "billing"])
        #expect(loaded.warnings.isEmpty)
    }

    private func page(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config")
        return String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    }

    @Test func `the reference is the one the table of keys makes`() throws {
        #expect(
            try page("reference.md") == ConfigurationReference.markdown + "\n",
            "run: godwit config reference > config/reference.md")
    }

    @Test func `the page of metrics is the one the table of metrics makes`() throws {
        #expect(
            try page("metrics.md") == MetricReference.markdown + "\n", "run: godwit config metrics > config/metrics.md")
    }

    @Test func `the table of keys is consistent`() {
        var paths: Set<String> = []
        for key in ConfigurationKey.all {
            #expect(paths.insert(key.path).inserted, "\(key.path) is there twice")
            #expect(key.meaning.hasSuffix("."), "\(key.path)")
            if case .duration(let range) = key.kind, let text = key.defaultText {
                #expect(DurationText.parse(text).map(range.contains) == true, "\(key.path)")
            }
            if case .integer(let range) = key.kind, let text = key.defaultText {
                #expect(Int(text).map(range.contains) == true, "\(key.path)")
            }
            if case .choice(let choices) = key.kind {
                #expect(choices.contains(key.defaultText ?? ""), "\(key.path)")
            }
        }
    }
}
