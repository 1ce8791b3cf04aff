# SPDX-License-Identifier: Apache-2.0

# What the error log says of storage that fails: the cause and the remedy, and
# no status of the system that is not the cause.

use OCI::Test;

use OCI::Database;

# The lines of the module in the log, from their "oci: " or from their status.
sub lines {
    my ($server, $level) = @_;
    return map { /\[oci:$level\] (?:\[.*?\] )+(.*)/ } split /\n/, $server->log;
}

sub push_blob {
    my ($server, $bytes) = @_;
    return OCI::Client->new($server)->post('/v2/a/blobs/uploads/?digest='
        . digest_of($bytes), $bytes);
}

# Tests that a push gets this status, and leaves one line that matches.
sub explains {
    my ($server, $status, $line, $name) = @_;
    my $before = () = lines($server, 'error');
    is(push_blob($server, 'bytes')->status, $status, "$name: $status");
    my @lines = lines($server, 'error');
    splice @lines, 0, $before;
    is(scalar @lines, 1, "$name: one line of the log");
    like($lines[0] // '', $line, "$name: the line");
    $server->expects(qr/\[oci:error\]/);
    return;
}

subtest 'a database server' => sub {
    my $database = OCI::Database->start('pgsql')
        or plan skip_all => 'PostgreSQL is not there';
    my $params = $database->params;
    for my $case (
        [ 'a user who is unknown', $params =~ s/user=\w+/user=nosuch/r,
            'FATAL:  role "nosuch" does not exist' ],
        [ 'a server that is down', $params =~ s/port=\d+/port=1/r,
            'Connection refused' ],
    ) {
        my ($name, $wrong, $cause) = @$case;
        my $server = OCI::Server->start(
            config => qq{OCIIndex dbd:pgsql "$wrong"});
        $server->expects(qr/oci:warn\].*the database does not answer, so/);
        explains($server, 503, qr/^oci:\ no\ connection\ to\ storage:\ .*
            \Q$cause\E\ \(cannot\ \w+\ dbd:pgsql\//x, $name);
        $server->stop;
    }
    done_testing;
};

# SQLite returns the rest of its message for any reason.
subtest 'a database that cannot be written' => sub {
    plan skip_all => 'needs root' if $>;
    my $server = OCI::Server->start(
        config => 'OCIIndex dbd:sqlite3 @STORE@/facts');
    status_is(push_blob($server, 'first'), 201);
    $server->halt;
    $server->again; # which has no connection yet
    my $file = $server->store . '/facts';
    chown 0, 0, $file;
    chmod 0444, $file;
    my $cause = 'attempt to write a readonly database: ' . "httpd's User must "
        . 'be able to write to the database file and to its directory';
    explains($server, 500, qr/^oci: cannot write \Q$file\E\/.*: \Q$cause\E$/,
        'read-only');
    $server->stop;
    done_testing;
};

subtest 'level debug' => sub {
    my $server = OCI::Server->start(level => 'debug');
    error_is(OCI::Client->new($server)->get('/v2/team/app/manifests/v1'), 404,
        'MANIFEST_UNKNOWN');
    my ($line) = lines($server, 'debug');
    like($line, qr{oci:\ GET\ /v2/team/app/manifests/v1:\ MANIFEST_UNKNOWN:\ the
        \ repository\ has\ no\ such\ manifest\ \(reference:\ v1\)$}x,
        'the line names the repository and the tag');
    unlike($line, qr{\.build/}, 'it has no path of the build');
    $server->stop;
    done_testing;
};

subtest 'a DBM that is damaged' => sub {
    my $server = OCI::Server->start(
        config => 'OCIIndex dbm:gdbm @STORE@/facts');
    status_is(push_blob($server, 'first'), 201);
    $server->halt;
    my $file = $server->store . '/facts';
    my $content = OCI::Server::slurp($file);
    my %damage = (
        'a record'   => [ $content =~ s/(mod_oci index)..../$1xxxx/sr,
            'is damaged: restore the index from a backup' ],
        'the header' => [ 'x' x 100 . substr($content, 100), 'is not a gdbm '
            . 'database, or is damaged, or another program has locked it; if '
            . 'it is damaged, restore the index from a backup' ],
    );
    for my $name (sort keys %damage) {
        my ($bytes, $message) = @{ $damage{$name} };
        open my $out, '>:raw', $file or die "$file: $!\n";
        print $out $bytes;
        close $out;
        ok(!eval { $server->again; 1 }, "$name: httpd does not start");
        like((lines($server, 'emerg'))[-1], qr/^oci: \S+ line \d+: OCIIndex: \Q$file $message\E$/,
            "$name: the line");
    }
    $server->expects(qr/\[oci:emerg\]/);
    $server->allows(qr/^AH00016: Configuration Failed/);
    $server->stop;
    done_testing;
};

done_testing;
