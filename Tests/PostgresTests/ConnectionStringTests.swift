import Testing

@testable import Postgres

@Suite struct ConnectionStringTests {
    private func message(_ text: String) -> String? {
        do throws(PostgresError) {
            _ = try ConnectionConfiguration(text)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        "postgres://postgres:s3cret/w0rd@host/db", "postgres://postgres:12/w0rd@host/db",
        "postgresql://u:a/s3cret@h:5432",
        "postgres://u:p@s3cret@host/db", "postgres://u:p@@host/db", "postgres://u:s3cret%zz@host/db",
        "postgres://u:s3cret%@host/db", "postgres://u:s3 cret@host/db", "postgres://u:s3cret\t@host/db",
        "postgres://u:s3cret\n@host/db", "postgres://u:a?s3/cret@host/db", "postgres://u:a#s3/cret@host/db",
        "postgres://u:a:s3/cret@host/db", "postgres://u:s3cret", "postgres://u:s3cret/db",
        "postgres://u:12/w?x=s3cret@h/d",
        "postgres://h/db?password=s3&cret=1", "postgres://h/db?password=a&s3cret", "postgres://h/db?password=s3%cret",
        "postgres://h/db?password=s3=cret", "postgres://u:[s3cret]/x@h/d",
    ])
    func `a URL whose password is not percent-encoded is refused with the way to write it`(url: String) throws {
        let refusal = try #require(message(url))
        #expect(refusal.contains("percent-encode") && refusal.contains("%2F for /"))
        for part in ["s3", "cret", "w0rd"] { #expect(!refusal.contains(part), "\(refusal)") }
    }

    @Test(arguments: [
        "postgres://u:a%2Fb%40c%3Ad%3Fe%23f%25g%20h@host/db", "postgres://u:a?b@host/db", "postgres://u:a#b@host/db",
        "postgres://u:a:b@host/db", "postgres://u@[::1]:5432/db", "postgres://u:p@a:1,b:2/db", "postgres:///db",
        "postgres://h/db?user=relay@tenant&password=a@b/c", "postgres://%2Frun%2Fpostgresql/db",
        "host=/run/postgresql dbname=app", "host=@abstract", "host=db port=5432 password='it\\'s one' sslmode=require",
        "host=db password=a/b@c:d?e#f%g", "host=a,b port=1,2", "host=db\nuser=u", "host=db port=",
        "host = db  password = 'a dbname=b' dbname=c", "host=db password=a\\ dbname=b dbname=c",
        "postgres:///?host=a&dbname=b", "host=a password=b sslmode=require host=c",
    ])
    func `what libpq reads as it was meant is taken`(text: String) {
        #expect(message(text) == nil)
    }

    @Test func `the password that libpq is given is the one that was written`() throws {
        let passwords = [
            ("postgres://u:a%2Fb%40c%3Ad%3Fe%23f%25g%20h@host/db", "a/b@c:d?e#f%g h"),
            ("postgres://u:a?b@host/db", "a?b"),
            ("postgres://u:a#b@host/db", "a#b"), ("postgres://u:a:b@host/db", "a:b"),
            ("host=db password=a/b@c:d?e#f%g", "a/b@c:d?e#f%g"), ("postgres://h/db?password=a@b/c", "a@b/c"),
        ]
        for (text, password) in passwords {
            let configuration = try ConnectionConfiguration(text)
            #expect(configuration.keywords["password"] == password)
            #expect(!configuration.redactedDescription.contains(password))
        }
    }

    @Test(arguments: [
        ("host=db password=a s3cret", "single quotes"), ("host=db password='s3cret", "single quotes"),
        ("host=db password=a s3cret=b", "single quotes"), ("host=u:s3cret@db", "host"), ("host=db/s3cret", "host"),
        ("host=db port=99999", "port"), ("host=db port=0", "port"), ("host=db port=5432x", "port"),
        ("postgres://host:0/db", "port"), ("postgres://host:99999/db", "port"), ("postgres://a:1,b:0/db", "port"),
        ("host=db dbname=app password=a dbname=s3cret", "dbname is given twice"),
        ("user='u' password='a b' user = s3cret", "user is given twice"),
        ("postgres://h/app?password=a&dbname=s3cret", "dbname is given twice"),
        ("host=db sslmode=s3cret", "sslmode must be one of"), ("host=db target_session_attrs=any1", "must be one of"),
        ("host=db connect_timeout=5s", "connect_timeout"), ("dbname='postgres://u:s3cret@h/d'", "dbname"),
        ("dbname='host=h password=s3cret'", "dbname"), ("jdbc:postgresql://h/db?password=s3cret", "postgres://"),
        ("Postgres://u:s3cret@h/db", "postgres://"), ("mysql://u:s3cret@h/db", "postgres://"), ("s3cret", "neither"),
    ])
    func `what libpq would find out only when it connects is refused at once`(text: String, word: String) throws {
        let refusal = try #require(message(text))
        #expect(refusal.contains(word) && !refusal.contains("s3cret"), "\(refusal)")
    }
}
