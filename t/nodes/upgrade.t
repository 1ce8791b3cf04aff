# SPDX-License-Identifier: Apache-2.0

# A database with an index of version 1, which the database user may not rename:
# the error log has the statements that the administrator runs.  Code of version
# 1 that still runs is tested in t/store/index_raise.c.

use OCI::Test;

use File::Temp ();
use OCI::Database;

my $RIGHTS = 'SELECT, INSERT, UPDATE, DELETE';
my %LIMIT = (
    pgsql => "CREATE ROLE limited LOGIN; GRANT $RIGHTS ON oci_facts TO limited;"
        . 'REVOKE CREATE ON SCHEMA public FROM PUBLIC;',
    mysql => "CREATE USER limited\@'%' IDENTIFIED BY 'secret';"
        . "GRANT $RIGHTS ON \@NAME\@.* TO limited\@'%';",
);

# Turn the index into one of version 1.
sub lower {
    my $database = shift;
    $database->sql("UPDATE oci_facts2 SET value = 'mod_oci index 1' "
        . "WHERE name = '.version' AND part = -1;"
        . "UPDATE oci_facts2 SET value = SUBSTR(value, 1, 71) "
        . "WHERE name = 'repo/a/_tag/v1';"
        . 'DROP TABLE IF EXISTS oci_facts;'
        . 'ALTER TABLE oci_facts2 RENAME TO oci_facts;');
    return;
}

sub raised {
    my ($kind, $database, $store) = @_;
    my %option = (index => "dbd:$kind", store => $store, database => $database);
    my $server = OCI::Server->start(%option);
    my $image = OCI::Client->new($server)->push_image('a', 'v1');
    $server->stop;
    lower($database);
    is($database->sql("SELECT value FROM oci_facts WHERE name = "
        . "'repo/a/_tag/v1'"), "$image->{digest}\n", 'a tag of version 1');

    my $limit = $LIMIT{$kind} =~ s/\@NAME\@/$database->{name}/gr;
    $database->sql($limit);
    my $params = $database->params =~ s/user=oci/user=limited/r;
    $server = OCI::Server->start(store => $store, index => 'fs',
        config => qq{OCIIndex dbd:$kind "$params"});
    my $client = OCI::Client->new($server);
    $server->allows(qr{dbd:$kind});
    error_is($client->get('/v2/a/manifests/v1'), 500, 'UNKNOWN', undef,
        'the user may not rename the table');
    my ($statements) = $server->log =~ /run as a user who may: (.*)/;
    like($statements, qr/\bTABLE oci_facts (?:RENAME )?TO oci_facts2\b/,
        'the error log has the statements');
    is($database->sql('SELECT COUNT(*) FROM oci_facts') > 1, 1,
        'the table is still there');

    $database->sql($statements =~ s/, referer: .*//r);
    my $res = $client->get('/v2/a/manifests/v1');
    status_is($res, 200, 'the administrator has run them');
    is($res->body, $image->{text}, 'the tag of version 1 has its manifest');
    is($database->sql("SELECT value FROM oci_facts2 WHERE name = '.version'"),
        "mod_oci index 2\n", 'the version is raised');
    status_is($client->delete('/v2/a/manifests/v1'), 202,
        'the tag is deleted');
    $server->stop;
    return;
}

for my $kind (qw(pgsql mysql)) {
    SKIP: {
        my $database = OCI::Database->start($kind, own => 1)
            or skip("there is no server for $kind", 1);
        my $top = File::Temp->newdir(TMPDIR => 1);
        chmod 0755, "$top";
        subtest "dbd:$kind: an index of version 1" =>
            sub { raised($kind, $database, "$top/store") };
        $database->server->stop;
    }
}

done_testing;
