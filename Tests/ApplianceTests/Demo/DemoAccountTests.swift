import FoundationEssentials
import TestSupport
import Testing

@testable import Appliance

@Suite struct DemoAccountTests {
    private let user = DemoAccount.Aggregate(boundedContext: "Identity", type: "User", id: "1")
    private let ids = (0..<4).map { _ in UUID() }

    @Test func `all received once and in order is clean, whichever end comes first`() {
        var account = DemoAccount()
        account.receive(ids[0], of: user, version: 1, at: .milliseconds(7))
        #expect(account.report.uncommitted == 1)
        account.commit([ids[0], ids[1]], at: .milliseconds(5))
        #expect(!account.isComplete)
        account.receive(ids[1], of: user, version: 2, at: .milliseconds(15))
        account.rollBack([ids[2]])
        #expect(account.isComplete)
        let report = account.report
        #expect(report.isClean)
        #expect(report.committed == 2 && report.delivered == 2 && report.transactions == 1 && report.rolledBack == 1)
        #expect(report.median == .milliseconds(2) && report.percentile99 == .milliseconds(10))
        #expect(report.eventsPerSecond == 200)
    }

    @Test func `loss, doubling, disorder and the delivery of what was rolled back are each found`() {
        var account = DemoAccount()
        account.commit(Array(ids[0...2]), at: .zero)
        account.receive(ids[1], of: user, version: 2, at: .milliseconds(1))
        account.receive(ids[0], of: user, version: 1, at: .milliseconds(2))
        account.receive(ids[0], of: user, version: 1, at: .milliseconds(3))
        account.rollBack([ids[3]])
        account.receive(ids[3], of: user, version: 4, at: .milliseconds(4))
        let report = account.report
        #expect(report.lost == 1 && report.doubled == 1 && report.orderViolations == 1 && report.uncommitted == 1)
        #expect(!report.isClean)
        #expect(!account.isComplete)
    }

    @Test func `a repetition is no disorder, and another aggregate has its own order`() {
        var account = DemoAccount()
        account.commit(ids, at: .zero)
        let other = DemoAccount.Aggregate(boundedContext: "Billing", type: "User", id: "1")
        account.receive(ids[0], of: user, version: 1, at: .zero)
        account.receive(ids[1], of: user, version: 2, at: .zero)
        account.receive(ids[0], of: user, version: 1, at: .zero)
        account.receive(ids[2], of: other, version: 1, at: .zero)
        account.receive(ids[3], of: user, version: 3, at: .zero)
        #expect(account.report.orderViolations == 0)
        #expect(account.report.doubled == 1)
    }

    @Test func `nothing committed is not clean`() {
        #expect(!DemoAccount().report.isClean)
    }

    @Test func `generated histories with one fault are found out, those without are clean`() {
        var generator = seeded("demo accounts")
        for round in 0..<500 {
            var account = DemoAccount()
            var records: [(UUID, DemoAccount.Aggregate, Int64)] = []
            for aggregate in 0..<Int.random(in: 1...5, using: &generator) {
                let name = DemoAccount.Aggregate(boundedContext: "C", type: "T", id: "\(aggregate)")
                for version in 1...Int64.random(in: 2...6, using: &generator) {
                    let id = UUID()
                    account.commit([id], at: .zero)
                    records.append((id, name, version))
                }
            }
            switch round % 4 {
            case 1: records.remove(at: Int.random(in: records.indices, using: &generator))
            case 2: records.append(records[Int.random(in: records.indices, using: &generator)])
            case 3: records.swapAt(0, 1)
            default: break
            }
            for (id, aggregate, version) in records { account.receive(id, of: aggregate, version: version, at: .zero) }
            let report = account.report
            #expect(report.isClean == (round % 4 == 0))
            #expect(report.lost == (round % 4 == 1 ? 1 : 0))
            #expect(report.doubled == (round % 4 == 2 ? 1 : 0))
            #expect(report.orderViolations == (round % 4 == 3 ? 1 : 0))
        }
    }

    @Test func `quantiles are values that occurred`() {
        let values = (1...100).map { Duration.milliseconds($0) }
        #expect(DemoAccount.quantile(0.5, of: values) == .milliseconds(50))
        #expect(DemoAccount.quantile(0.99, of: values) == .milliseconds(99))
        #expect(DemoAccount.quantile(1, of: values) == .milliseconds(100))
        #expect(DemoAccount.quantile(0.99, of: [.seconds(1)]) == .seconds(1))
        #expect(DemoAccount.quantile(0.5, of: []) == nil)
    }

    @Test func `the report reads as text and as JSON`() throws {
        var account = DemoAccount()
        account.commit([ids[0]], at: .zero)
        account.receive(ids[0], of: user, version: 1, at: .microseconds(2340))
        let report = account.report
        #expect(report.text.contains("lost                0"))
        #expect(report.text.contains("p50 2.3 ms, p99 2.3 ms"))
        let json = try JSONParser.parse(report.json.indentedText)
        #expect(json["clean"] == true && json["delivered"] == 1)
        #expect(json["commit_to_receipt_ms"]?["p50"] == .number("2.34"))
    }
}
