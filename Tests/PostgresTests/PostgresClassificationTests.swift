import Testing

@testable import Postgres

/// What each failure of the database means for the code that waits for it.
@Suite struct PostgresClassificationTests {
    typealias Kind = PostgresError.Classification.Kind

    @Test(
        arguments: [
            (.away, ["08000", "08003", "08006", "08P01", "57P01", "57P02", "57P05", "25P03", "25P04"]),
            (
                .busy,
                [
                    "53000", "53100", "53200", "53300", "53400", "55P03", "55006", "57014", "40001", "40P01", "58000",
                    "58030", "XX001", "XX002",
                ]
            ),
            (.recovering, ["57P03", "25006"]),
            (
                .schemaChanged,
                ["42P01", "42703", "42883", "42804", "3F000", "3D000", "0A000", "26000", "42P05", "57P04", "42846"]
            ),
            (.refused, ["28000", "28P01", "42501", "F0000"]),
            (
                .bug,
                [
                    "22001", "22P02", "23505", "23514", "25P01", "25P02", "40002", "42601", "54001", "P0001", "XX000",
                    "99999",
                ]
            ),
        ] as [(Kind, [String])])
    func `each code has one meaning`(_ kind: Kind, _ codes: [String]) {
        for code in codes {
            let classification = SQLState(rawValue: code).classification
            #expect(classification.kind == kind, "\(code)")
            #expect(!classification.reason.isEmpty)
            // The same whether the server said it of a statement, or refused the connection with it.
            let error = PostgresError(.connectionFailed, "refused", sqlState: SQLState(rawValue: code))
            #expect(error.classification == classification)
        }
    }

    @Test(
        arguments: [
            (.connectionFailed, .away), (.connectionLost, .away), (.closed, .away), (.secretUnavailable, .away),
            (.poolTimeout, .busy), (.authentication, .refused), (.invalidConfiguration, .refused),
            (.sessionRequired, .refused), (.decoding, .schemaChanged), (.cancelled, .bug), (.misuse, .bug),
            (.transactionOpen, .bug), (.rolledBack, .bug),
        ] as [(PostgresError.Code, Kind)])
    func `a failure without a code has one too`(_ code: PostgresError.Code, _ kind: Kind) {
        let error = PostgresError(code, "it failed")
        #expect(error.classification.kind == kind)
        #expect(error.classification.passes == [.away, .busy, .recovering].contains(kind))
    }

    @Test func `advice follows the message`() {
        #expect(
            PostgresError(.statement, "permission denied", sqlState: .insufficientPrivilege).description
                == "permission denied (SQLSTATE 42501). Grant it to the role that connects.")
        #expect(PostgresError(.connectionLost, "the connection broke").description == "the connection broke")
    }
}
