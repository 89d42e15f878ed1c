import Testing

@testable import EventSourcing

@Suite struct AdoptionPlanTests {
    private static var outbox: TableSurvey {
        get throws {
            var survey = TableSurvey(try TableName("shop.outbox"))
            survey.columns = [
                .init(name: "id", type: .uuid, typeName: "uuid", isNotNull: true, isIndexed: true),
                .init(name: "aggregatetype", type: .text, typeName: "text"),
                .init(name: "aggregateid", type: .text, typeName: "text"),
                .init(name: "type", type: .text, typeName: "text"),
                .init(name: "payload", type: .jsonb, typeName: "jsonb"),
                .init(name: "created_at", type: .timestamptz, typeName: "timestamptz"),
            ]
            survey.key = ["id"]
            return survey
        }
    }

    private static func plan(
        _ options: AdoptionPlan.Options = .init(), _ change: (inout TableSurvey) -> Void = { _ in }
    ) throws -> AdoptionPlan {
        var survey = try outbox
        change(&survey)
        return AdoptionPlan(
            survey, KnownShape.recognise(survey), godwit: try TableName("godwit.adoption"), options: options)
    }

    private static let drawn = TableSurvey.Column(
        name: "no", type: .integer(bytes: 8), typeName: "bigint", isNotNull: true,
        sequence: .init(sql: "\"shop\".\"no_seq\""), isIndexed: true)

    @Test func `an empty table gets an identity column, and one with rows goes by steps`() throws {
        let empty = try Self.plan()
        #expect(empty.steps.count == 1 && !empty.isOnline && empty.position == "godwit_position")
        let full = try Self.plan { $0.hasRows = true }
        #expect(full.isOnline)
        let works = full.steps.map { step in
            switch step.work {
            case .shortLock: "lock"
            case .beside: "beside"
            case .number: "number"
            }
        }
        #expect(works == ["lock", "number", "beside", "lock", "beside", "lock", "lock"])
    }

    @Test func `positions of new rows begin above what old ones can need`() throws {
        let full = try Self.plan {
            $0.hasRows = true
            $0.rowBound = 5_000_000
        }
        guard case .shortLock(let statements) = full.steps[0].work else { return #expect(Bool(false)) }
        #expect(statements.contains { $0.contains("START 5000001 CACHE 1") })
    }

    @Test
    func `a column of the name that is there already is no source while its sequence draws ahead or counts otherwise`()
        throws
    {
        var found = Self.drawn
        found = TableSurvey.Column(
            name: "godwit_position", type: .integer(bytes: 8), typeName: "bigint", isNotNull: true,
            isIdentity: true, sequence: .init(sql: "s", cache: 20), isIndexed: true)
        let drawing = try Self.plan { $0.columns.append(found) }
        guard case .shortLock(let statements)? = drawing.steps.first?.work else {
            Issue.record("\(drawing.steps)")
            return
        }
        #expect(drawing.steps.count == 1 && statements == ["ALTER SEQUENCE s CACHE 1"])
        found = TableSurvey.Column(
            name: "godwit_position", type: .integer(bytes: 8), typeName: "bigint", isNotNull: true,
            isIdentity: true, sequence: .init(sql: "s", increment: 2), isIndexed: true)
        let counting = try Self.plan { $0.columns.append(found) }
        #expect(counting.refusals.count == 1 && counting.refusals[0].contains("INCREMENT 1"))
    }

    @Test func `what an attempt before has done is not done again`() throws {
        let found = TableSurvey.Column(
            name: "godwit_position", type: .integer(bytes: 8), typeName: "bigint", sequence: .init(sql: "s"))
        let half = try Self.plan {
            $0.hasRows = true
            $0.columns.append(found)
        }
        #expect(half.steps.first.map { if case .number = $0.work { true } else { false } } == true)
        let done = try Self.plan {
            $0.hasRows = true
            var whole = found
            (whole.isNotNull, whole.isIndexed, whole.isIdentity) = (true, true, true)
            $0.columns.append(whole)
        }
        #expect(done.steps.isEmpty && done.refusals.isEmpty)
    }

    @Test func `a sequence that is there is used when asked for, with a warning`() throws {
        let own = try Self.plan { $0.columns.append(Self.drawn) }
        #expect(own.position == "godwit_position")
        let existing = try Self.plan(.init(usesExistingSequence: true)) { $0.columns.append(Self.drawn) }
        #expect(existing.position == "no" && existing.steps.isEmpty)
        #expect(existing.warnings.count == 1 && existing.warnings[0].contains("events are lost"))
        let cached = try Self.plan(.init(usesExistingSequence: true)) {
            var column = Self.drawn
            column.sequence?.cache = 50
            $0.columns.append(column)
        }
        #expect(
            cached.steps.count == 1 && cached.steps[0].work == .shortLock([#"ALTER SEQUENCE "shop"."no_seq" CACHE 1"#]))
    }

    @Test func `what cannot be a source is refused by name`() throws {
        func refusal(_ options: AdoptionPlan.Options = .init(), _ change: (inout TableSurvey) -> Void) throws -> String
        {
            let plan = try Self.plan(options, change)
            #expect(plan.steps.isEmpty || !plan.refusals.isEmpty)
            return plan.refusals.joined()
        }
        #expect(try refusal { $0.isLogged = false }.contains("unlogged"))
        #expect(try refusal { $0.kind = "v" }.contains("is a view"))
        #expect(try refusal { $0.kind = "f" }.contains("foreign table"))
        #expect(try refusal { $0.isPartition = true }.contains("is a partition"))
        #expect(try refusal { $0.hasHeirs = true }.contains("inherit"))
        let part = try TableName("shop.part")
        #expect(try refusal { $0.partitions = [.init(table: part, isLogged: false)] }.contains("shop.part is unlogged"))
        let existing = AdoptionPlan.Options(usesExistingSequence: true)
        #expect(
            try refusal(existing) {
                $0.columns.append(Self.drawn)
                $0.partitions = [.init(table: part, oddDefaults: ["no"])]
            }.contains("default of its own"))
        #expect(
            try refusal(existing) {
                $0.columns.append(Self.drawn)
                $0.columns[$0.columns.count - 1].sequence?.increment = 2
            }.contains("count up by one"))
        #expect(try refusal(existing) { _ in }.contains("--use-existing-sequence"))
        #expect(
            try refusal {
                $0.hasRows = true
                $0.key = []
            }.contains("add a key"))
    }

    @Test func `a table that nothing is known of is guessed, and what is not found is reported`() throws {
        var survey = TableSurvey(try TableName("shop.log"))
        survey.columns = [
            .init(name: "Id", type: .integer(bytes: 8), typeName: "bigint", sequence: .init(sql: "s")),
            .init(name: "streamId", type: .text, typeName: "text"), .init(name: "Data", type: .json, typeName: "json"),
        ]
        let shape = KnownShape.recognise(survey)
        #expect(shape.origins[.aggregateID] == .column("streamId") && shape.origins[.payload] == .column("Data"))
        #expect(shape.missing == [.aggregateType, .eventType])
    }
}
