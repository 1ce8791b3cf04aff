# SPDX-License-Identifier: Apache-2.0

# Pages of the catalog if the caller may see few of many names: complete, in
# order, and each name once, for every page size.

use OCI::Test;

my $server = OCI::Server->start(config => <<'END');
OCISync Off
<RequireAny>
    Require oci push **
    Require oci pull **/open
</RequireAny>
END
my $client = OCI::Client->new($server);
my @names = map { sprintf 'r%03d/%s', $_, $_ % 29 ? 'shut' : 'open' } 0 .. 299;
my @open = grep { /open/ } @names;
my $digest = digest_of('{}');
for my $name (@names) {
    my $res = $client->post("/v2/$name/blobs/uploads/?digest=$digest", '{}');
    $res->status == 201 or BAIL_OUT($res->text);
}
for my $n (1, 2, 3, 5, @open - 1, @open + 0, @open + 1, 100, 299, 300, 5000) {
    my ($path, $longest, @got) = ("/v2/_catalog?n=$n", 0);
    while ($path) {
        my $res = $client->get($path);
        my $page = $res->json->{repositories};
        $longest = @$page if @$page > $longest;
        push @got, @$page;
        ($path) = ($res->header('Link') // '') =~ /<([^>]*)>/;
    }
    is_deeply(\@got, \@open, "pages of $n");
    is($longest, $n < @open ? $n : @open + 0,
        'no page is longer, and pages are full');
}
is_deeply($client->get('/v2/_catalog')->json->{repositories}, \@open, 'all');

$server->stop;
done_testing;
