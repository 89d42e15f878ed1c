import Postgres

/// What is to be done so that a table can be read as a source: in which order, and what each step keeps waiting. Pure.
package struct AdoptionPlan: Sendable, Hashable {
    /// The column of positions that Godwit adds.
    package static let column = "godwit_position"

    package struct Options: Sendable, Hashable {
        /// Whether positions come from a sequence that is there already.
        package var usesExistingSequence = false
        /// What old rows are ordered by, instead of what the shape says.
        package var order: [String] = []

        package init(usesExistingSequence: Bool = false, order: [String] = []) {
            self.usesExistingSequence = usesExistingSequence
            self.order = order
        }
    }

    package struct Step: Sendable, Hashable {
        package enum Work: Sendable, Hashable {
            /// In one transaction, which waits for its locks in short attempts.
            case shortLock([String])
            /// Each by itself, beside the writers.
            case beside([String])
            /// Old rows are numbered in batches.
            case number(Numbering)
        }

        package let title: String
        /// What it keeps waiting, and for how long.
        package let effect: String
        package let work: Work
    }

    /// Why the table cannot be a source as it is; nothing is planned then.
    package private(set) var refusals: [String] = []
    package private(set) var steps: [Step] = []
    /// What is to be known of the outcome.
    package private(set) var warnings: [String] = []
    /// The column of positions.
    package private(set) var position = Self.column
    /// Whether the table has rows that have to be numbered, or indexed, beside writers.
    package private(set) var isOnline = false

    private let survey: TableSurvey

    package init(_ survey: TableSurvey, _ shape: KnownShape, godwit: TableName, options: Options = Options()) {
        self.survey = survey
        refusals = Self.refusals(survey)
        guard refusals.isEmpty else { return }
        if survey[Self.column] == nil, let existing = shape.position,
            options.usesExistingSequence || shape.drawsPosition
        {
            position = existing
            useExisting(existing, shape)
        } else if options.usesExistingSequence, survey[Self.column] == nil {
            refusals.append(
                "\(survey.table.text) has no column that draws from a sequence: leave --use-existing-sequence out")
        } else {
            addPosition(shape, godwit, options)
        }
    }

    private static func refusals(_ survey: TableSurvey) -> [String] {
        let name = survey.table.text
        switch survey.kind {
        case "r", "p": break
        case "v", "m": return ["\(name) is a view: adopt the table behind it"]
        case "f": return ["\(name) is a foreign table: adopt it in the database that holds it"]
        default: return ["\(name) is no table"]
        }
        if survey.isPartition { return ["\(name) is a partition: adopt the table that it is a part of"] }
        var refusals: [String] = []
        if !survey.isLogged {
            refusals.append(
                "\(name) is unlogged or temporary, and a crash empties it: ALTER TABLE \(survey.table.sql) SET LOGGED")
        }
        if survey.hasHeirs {
            refusals.append(
                "other tables inherit from \(name), whose rows need not draw from its sequence: make them partitions, or adopt each"
            )
        }
        for partition in survey.partitions where !partition.isLogged {
            refusals.append(
                "partition \(partition.table.text) is unlogged: ALTER TABLE \(partition.table.sql) SET LOGGED")
        }
        return refusals
    }

    // MARK: A sequence that is there

    private mutating func useExisting(_ name: String, _ shape: KnownShape) {
        guard let column = survey[name] else {
            return refusals.append("\(survey.table.text) has no column \(quoteIdentifier(name))")
        }
        guard let sequence = column.sequence else {
            return refusals.append(
                "\(quoteIdentifier(name)) of \(survey.table.text) draws from no sequence by its default: leave "
                    + "--use-existing-sequence out, and Godwit adds a column of its own")
        }
        for partition in survey.partitions where partition.oddDefaults.contains(name) {
            refusals.append(
                "partition \(partition.table.text) has a default of its own for \(quoteIdentifier(name)), which draws from another "
                    + "sequence or none: ALTER TABLE \(partition.table.sql) ALTER COLUMN \(quoteIdentifier(name)) SET DEFAULT "
                    + "nextval('\(sequence.sql)')")
        }
        requireCounting(sequence)
        guard refusals.isEmpty else { return }
        if !shape.drawsPosition {
            warnings.append(
                "\(quoteIdentifier(name)) draws from \(sequence.sql). No catalog shows whether writers draw its values ahead, in another "
                    + "transaction (pooled sequences of Hibernate and Marten do): if one does, events are lost. Only where each "
                    + "INSERT draws its own by the column's default is this right.")
        }
        requireCache(sequence)
        index(column)
        requireValue(column, shape)
    }

    private mutating func requireCounting(_ sequence: TableSurvey.Sequence) {
        guard sequence.increment != 1 || sequence.cycles else { return }
        refusals.append(
            "sequence \(sequence.sql) does not count up by one: ALTER SEQUENCE \(sequence.sql) INCREMENT 1 NO CYCLE")
    }

    private mutating func requireCache(_ sequence: TableSurvey.Sequence) {
        guard sequence.cache != 1 else { return }
        steps.append(
            Step(
                title: "no sequence is drawn ahead by sessions",
                effect: "a moment; sessions that have values in store keep them: end them before the relay starts",
                work: .shortLock(["ALTER SEQUENCE \(sequence.sql) CACHE 1"])))
    }

    // MARK: A column of Godwit's own

    private mutating func addPosition(_ shape: KnownShape, _ godwit: TableName, _ options: Options) {
        let table = survey.table.sql
        let column = quoteIdentifier(Self.column)
        let found = survey[Self.column]
        if let found, found.sequence == nil || found.type != .integer(bytes: 8) {
            return refusals.append(
                "\(survey.table.text) has a column \(column) already that is no bigint drawn from a sequence: remove or rename it"
            )
        }
        if let sequence = found?.sequence {
            // Another tool may have made it, or an operator has altered it.
            requireCounting(sequence)
            guard refusals.isEmpty else { return }
            requireCache(sequence)
        }
        let isNew = found == nil
        if isNew, !survey.hasRows, !survey.isPartitioned {
            steps.append(
                Step(
                    title: "a column of positions, which each INSERT draws",
                    effect: "a moment, as the table is empty: inserts wait",
                    work: .shortLock([
                        "ALTER TABLE \(table) ADD COLUMN \(column) bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1)",
                        "CREATE UNIQUE INDEX ON \(table) (\(column))",
                    ])))
            return
        }
        defer { isOnline = !steps.isEmpty }
        if isNew {
            steps.append(newColumn())
            warnings.append(
                "a client that has prepared SELECT * fails once with \"cached plan must not change result type\" on each "
                    + "connection, or until it is closed, as after any new column; an INSERT without a list of columns goes on"
            )
        }
        let column2 = found ?? .init(name: Self.column, type: .integer(bytes: 8), typeName: "bigint")
        if !column2.isNotNull, survey.hasRows {
            guard !survey.key.isEmpty else {
                return refusals.append(
                    "\(survey.table.text) has rows and no primary key or unique key without NULLs, so that they cannot be numbered in "
                        + "a stated order: add a key")
            }
            let order = options.order.isEmpty ? shape.order : options.order
            for name in order where survey[name] == nil {
                return refusals.append(
                    "\(survey.table.text) has no column \(quoteIdentifier(name)) to order old rows by")
            }
            if let first = (order + survey.key).first, survey[first]?.type == .uuid {
                warnings.append(
                    "old rows are numbered by \(quoteIdentifier(first)), a uuid, which is in no order of time unless it is of version 7: events "
                        + "of an aggregate may come in another order than they were written; name columns that say when, for example "
                        + "--order-by created_at")
            }
            let numbering = Numbering(
                table: survey.table, column: Self.column, key: survey.key,
                order: order + survey.key.filter { !order.contains($0) }, work: godwit)
            var effect =
                "no lock but that of the rows of a batch; old rows come before all new ones, ordered by "
                + numbering.order.map { quoteIdentifier($0) }.joined(separator: ", ")
            if !survey.updateTriggers.isEmpty {
                effect += "; fires the triggers \(survey.updateTriggers.joined(separator: ", ")), as any UPDATE"
            }
            steps.append(Step(title: "old rows are numbered, in batches", effect: effect, work: .number(numbering)))
        }
        index(column2)
        requireValue(column2, shape)
        if !(found?.isIdentity ?? false), !survey.isPartitioned { steps.append(identity()) }
        if survey.isPartitioned {
            warnings.append(
                "the positions draw from a sequence by the column's default: a role that is to insert later needs USAGE on the "
                    + "sequence, and a new partition is to be made with PARTITION OF or LIKE … INCLUDING DEFAULTS")
        }
    }

    private func newColumn() -> Step {
        let (table, column) = (survey.table.sql, quoteIdentifier(Self.column))
        let first = survey.hasRows ? survey.rowBound + 1 : 1
        let sequence = Self.sequenceName(survey.table).sql
        return Step(
            title: "a column of positions, which each INSERT draws"
                + (survey.hasRows ? ", from \(first) on: the positions below are for the rows that are there" : ""),
            effect: "a moment: the table is not rewritten; inserts wait, in attempts of 200 ms",
            work: .shortLock([
                "ALTER TABLE \(table) ADD COLUMN \(column) bigint",
                "CREATE SEQUENCE \(sequence) AS bigint START \(first) CACHE 1",
                // Drawn, so that the positions below it are known to have been.
                "SELECT setval(\(quoteLiteral(sequence)), \(first))",
                "ALTER SEQUENCE \(sequence) OWNED BY \(table).\(column)",
                "ALTER TABLE \(table) ALTER COLUMN \(column) SET DEFAULT nextval(\(quoteLiteral(sequence)))",
                grantInserters(sequence),
            ]))
    }

    /// A default draws by the rights of who inserts, unlike an identity column.
    private func grantInserters(_ sequence: String) -> String {
        """
        DO $godwit$ DECLARE inserter text; BEGIN
        FOR inserter IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM (SELECT relacl AS acl FROM pg_catalog.pg_class WHERE oid = \(quoteLiteral(survey.table.sql))::regclass
                UNION ALL SELECT attacl FROM pg_catalog.pg_attribute
                    WHERE attrelid = \(quoteLiteral(survey.table.sql))::regclass) AS grants, aclexplode(grants.acl) AS a
            WHERE a.privilege_type = 'INSERT' GROUP BY 1
        LOOP EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %s', \(quoteLiteral(sequence)), inserter); END LOOP;
        END $godwit$
        """
    }

    private func identity() -> Step {
        let (table, column) = (survey.table.sql, quoteIdentifier(Self.column))
        return Step(
            title: "the column becomes an identity column, which needs no right on a sequence",
            effect: "a moment: inserts wait, in attempts of 200 ms",
            work: .shortLock([
                "LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE",
                """
                DO $godwit$ DECLARE next bigint; drawn oid; BEGIN
                SELECT d.refobjid INTO drawn FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_attribute a
                    ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = \(quoteLiteral(Self.column))
                    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                        AND d.refclassid = 'pg_catalog.pg_class'::regclass
                    JOIN pg_catalog.pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'
                    WHERE f.adrelid = \(quoteLiteral(table))::regclass;
                SELECT coalesce(pg_catalog.pg_sequence_last_value(drawn) + 1, seqstart) INTO next
                    FROM pg_catalog.pg_sequence WHERE seqrelid = drawn;
                ALTER TABLE \(table) ALTER COLUMN \(column) DROP DEFAULT;
                EXECUTE format('DROP SEQUENCE %s', drawn::regclass);
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I ADD GENERATED BY DEFAULT AS IDENTITY (START %s CACHE 1)',
                    \(quoteLiteral(table)), \(quoteLiteral(Self.column)), next);
                -- Drawn, so that the positions below it are known to have been.
                PERFORM setval(pg_get_serial_sequence(\(quoteLiteral(table)), \(quoteLiteral(Self.column))), next);
                END $godwit$
                """,
            ]))
    }

    // MARK: Index, and no NULL

    private mutating func index(_ column: TableSurvey.Column) {
        if column.isIndexed { return }
        let name = quoteIdentifier(column.name)
        let effect = "no lock: the index is built beside the writers, and waits for their transactions"
        guard survey.isPartitioned else {
            let index = Self.shortened(survey.table.name, "_\(column.name)_key")
            let sql = TableName(schema: survey.table.schema, name: index).sql
            steps.append(
                Step(
                    title: "an index on the positions", effect: effect,
                    work: .beside([
                        // One that a failed attempt has left is of no use.
                        "DROP INDEX CONCURRENTLY IF EXISTS \(sql)",
                        "CREATE UNIQUE INDEX CONCURRENTLY \(quoteIdentifier(index)) ON \(survey.table.sql) (\(name))",
                    ])))
            return
        }
        // An index on the whole is made of one on each partition.
        var statements: [String] = []
        for partition in survey.partitions where partition.isLeaf {
            let index = Self.shortened(partition.table.name, "_\(column.name)_idx")
            statements += [
                "DROP INDEX CONCURRENTLY IF EXISTS \(TableName(schema: partition.table.schema, name: index).sql)",
                "CREATE INDEX CONCURRENTLY \(quoteIdentifier(index)) ON \(partition.table.sql) (\(name))",
            ]
        }
        steps.append(
            Step(title: "an index on the positions of each partition", effect: effect, work: .beside(statements)))
        steps.append(
            Step(
                title: "an index on the positions of the table, of which those are the parts",
                effect: "a moment: inserts wait, in attempts of 200 ms",
                work: .shortLock(["CREATE INDEX ON \(survey.table.sql) (\(name))"])))
    }

    private mutating func requireValue(_ column: TableSurvey.Column, _ shape: KnownShape) {
        if column.isNotNull { return }
        let (table, name) = (survey.table.sql, quoteIdentifier(column.name))
        let check = quoteIdentifier(Self.shortened(survey.table.name, "_\(column.name)_set"))
        steps += [
            Step(
                title: "no row may come without a position", effect: "a moment: inserts wait, in attempts of 200 ms",
                work: .shortLock([
                    "ALTER TABLE \(table) DROP CONSTRAINT IF EXISTS \(check)",
                    "ALTER TABLE \(table) ADD CONSTRAINT \(check) CHECK (\(name) IS NOT NULL) NOT VALID",
                ])),
            Step(
                title: "each row has one", effect: "no lock that inserts wait for: the table is read once",
                work: .beside(["ALTER TABLE \(table) VALIDATE CONSTRAINT \(check)"])),
            Step(
                title: "the column says so", effect: "a moment: nothing is read again",
                work: .shortLock([
                    "ALTER TABLE \(table) ALTER COLUMN \(name) SET NOT NULL",
                    "ALTER TABLE \(table) DROP CONSTRAINT \(check)",
                ])),
        ]
    }

    static func sequenceName(_ table: TableName) -> TableName {
        TableName(schema: table.schema, name: shortened(table.name, "_\(column)_seq"))
    }

    /// A name of 63 bytes at most, as PostgreSQL cuts them.
    private static func shortened(_ name: String, _ suffix: String) -> String {
        var stem = name
        while stem.utf8.count + suffix.utf8.count > 63, !stem.isEmpty { stem.removeLast() }
        return stem + suffix
    }
}
