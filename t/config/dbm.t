# SPDX-License-Identifier: Apache-2.0

# A registry whose index is a DBM file: pushes that cause merges, deletions,
# reloads at the same time, and a kill.

use OCI::Test;

my $MANIFESTS = 24;    # of 70 KiB each: the log is merged

# An image with a large manifest.
sub push_large {
    my ($client, $repo, $tag) = @_;
    return $client->push_image($repo, $tag, layers => ['one layer'],
        annotations => { map { $_ => "$tag $_ " x 1500 } 'a' .. 'h' });
}

sub tags {
    my ($client, $repo) = @_;
    return join ' ', @{ $client->get("/v2/$repo/tags/list")->json->{tags} };
}

for my $type (qw(gdbm db)) {
    my $server = OCI::Server->start(
        config => "OCIIndex dbm:$type \@DIR\@/store/facts");
    my $client = OCI::Client->new($server);
    my %image;
    for my $i (1 .. $MANIFESTS) {
        my $tag = sprintf 'v%02d', $i;
        $image{$tag} = push_large($client, 'app', $tag);
        $server->graceful if $i % 10 == 0;
    }
    my @tags = sort keys %image;
    my $same = sub {
        my $name = shift;
        is(tags($client, 'app'), "@tags", "$type, $name: the tags");
        is(join(' ', grep { $client->get("/v2/app/manifests/$_")->body
                            ne $image{$_}{text} } @tags), '',
            "$type, $name: the manifests");
    };
    $same->('after merges and reloads');
    ok(!-e $server->store . '/facts.log-1' && -e $server->store . '/facts',
        "$type: the first log was merged");

    for my $tag (splice @tags, 0, 5) {
        status_is($client->delete("/v2/app/manifests/$image{$tag}{digest}"),
            202, "$type: delete $tag");
        status_is($client->get("/v2/app/manifests/$tag"), 404,
            "$type: $tag is gone");
    }
    $server->restart;
    $same->('after deletions and a restart');
    $server->kill9;
    $server->again;
    $client = OCI::Client->new($server);
    $same->('after a kill');
    $server->stop;
}

like(OCI::Server->refuses(config => 'OCIIndex dbm /tmp/facts'),
    qr/OCIIndex: the dbm provider needs a type: "dbm:gdbm FILE"/, 'no type');
like(OCI::Server->refuses(config => 'OCIIndex dbm:sdbm /tmp/facts'),
    qr/OCIIndex: dbm:sdbm cannot hold an index/, 'a type that is too small');
like(OCI::Server->refuses(config => 'OCIIndex dbm:gdbm /no/such/file'),
    qr{cannot create /no/such/file: the directory /no/such does not exist},
    'no directory');
SKIP: {
    skip('needs root', 1) if $>;
    like(OCI::Server->refuses(config => 'OCIIndex dbm:gdbm @DIR@/facts'),
        qr/the user \S+ cannot read and change \S+, which has the owner root/,
        "a directory that is root's");
}
done_testing;
