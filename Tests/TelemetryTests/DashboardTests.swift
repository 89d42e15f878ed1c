import FoundationEssentials
import Testing

@testable import Telemetry

/// The dashboard and the alerts in `config/` name only what there is.
@Suite struct DashboardTests {
    private static func text(_ file: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "config")
        return String(decoding: try Data(contentsOf: folder.appending(path: file)), as: UTF8.self)
    }

    /// What Prometheus adds to every series, and what expressions name beside series.
    private static let foreign: Set<String> = ["instance", "job"]

    private static let rules = ((try? text("prometheus-rules.yml")) ?? "").matches(of: #/expr: (.*)/#)
        .map { String($0.1) }

    private static let expressions: [String] = {
        let panels = ((try? text("grafana.json")) ?? "").matches(of: #/"(?:expr|query)": "((?:[^"\\]|\\.)*)"/#)
            .map { String($0.1).replacing("\\\"", with: "\"") }.filter { $0 != "prometheus" }
        return rules + panels
    }()

    private func metric(_ name: Substring) -> (metric: Metric, isBucket: Bool)? {
        if let metric = Metric(rawValue: String(name)) { return (metric, false) }
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            guard let metric = Metric(rawValue: String(name.dropLast(suffix.count))),
                case .histogram = metric.definition.kind
            else { continue }
            return (metric, suffix == "_bucket")
        }
        return nil
    }

    @Test func `there are expressions to look at, in both files`() {
        #expect(Self.expressions.count > 30)
        #expect(Self.expressions.contains { $0.contains("histogram_quantile") })
        #expect(Self.expressions.contains { $0.hasPrefix("absent(") })
    }

    @Test(arguments: expressions)
    func `every metric and every label of an expression exists`(expression: String) throws {
        let names = expression.matches(of: #/\b((?:godwit|process)_\w+)(\{[^}]*\})?/#)
        #expect(!names.isEmpty, "\(expression) names no metric of Godwit's")
        var known: Set<String> = Self.foreign
        for name in names {
            guard let (metric, isBucket) = metric(name.1) else {
                Issue.record("\(name.1) is no metric, in \(expression)")
                continue
            }
            let labels = metric.definition.labels + (isBucket ? ["le"] : [])
            known.formUnion(labels)
            for selector in (name.2 ?? "").matches(of: #/(\w+)\s*(?:=~|!~|!=|=)\s*"/#) {
                #expect(labels.contains(String(selector.1)), "\(name.1) has no label \(selector.1)")
            }
        }
        for group in expression.matches(of: #/\b(?:by|on|without|ignoring) \(([^)]*)\)/#) {
            for label in group.1.split(separator: ",") {
                let label = label.filter { $0 != " " }
                #expect(known.contains(label), "nothing in \(expression) has a label \(label)")
            }
        }
        for label in expression.matches(of: #/label_values\([^,]+, (\w+)\)/#) {
            #expect(known.contains(String(label.1)))
        }
    }

    /// Also the legends and messages that show a label.
    @Test func `every label that is shown exists`() throws {
        let all = Set(Metric.allCases.flatMap(\.definition.labels)).union(Self.foreign)
        let texts = try Self.text("grafana.json") + Self.text("prometheus-rules.yml")
        for label in texts.matches(of: #/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/#) {
            #expect(all.contains(String(label.1)), "\(label.1)")
        }
    }

    @Test func `what an operator has to act on has an alert`() {
        let all = Self.rules.joined(separator: "\n")
        for metric in [Metric.lagTime, .haltedSegments, .parkedEvents, .databaseConnected, .horizonWaiting] {
            #expect(all.contains(metric.rawValue), "\(metric)")
        }
    }
}
