# SPDX-License-Identifier: Apache-2.0

# Servers that ignore where a page of a listing begins, or of which keys it is,
# and objects that are not the store's: what lists ends all the same, and deletes
# nothing that is needed.

use OCI::Test;

use OCI::Admin;
use OCI::S3::Client;
use OCI::S3::Registry;

use constant MANY => 500;    # more pages than anything may ask for

my ($s3, $server, $client) = s3_registry(config => 'OCIRedirect Off');
my $image = $client->push_image('a/b', 'v1');
my @keys = grep { m{(?:\A|/)blobs/} } map { $_->{key} } $s3->objects;
my $directory = $keys[0] =~ s{[^/]*\z}{}r;

# A page that more ones follow, whatever page was asked for.
my $page = '<ListBucketResult><IsTruncated>true</IsTruncated>'
    . join('', map { "<Contents><Key>$_</Key><Size>2</Size></Contents>" }
        sort @keys)
    . '</ListBucketResult>';

# Run gc or check with a fault of each request of this kind.  Returns its result,
# and how many there were.
sub run_with {
    my ($query, $fault, $function, @options) = @_;
    $s3->faults({ method => 'GET', query => $query, count => MANY, %$fault });
    my $run = $function->($server, @options);
    my $asked = MANY - $s3->faults_left->[0]{count};
    $s3->faults;
    return ($run, $asked);
}

my $blobs = 'list-type=2.*prefix=[^&]*blobs';
for my $case ([ 'gc', \&gc, '--grace', 0 ], [ 'check', \&check ]) {
    my ($name, @command) = @$case;
    my ($run, $asked) = run_with($blobs, { fault => 'body', text => $page },
        @command);
    is($run->{status}, 1, "$name: a listing that never ends is an error");
    like($run->{err}, qr/the server ignores start-after/, 'it says so');
    ok($asked > 1 && $asked < 10, "after $asked pages");
    ($run, $asked) = run_with($blobs, { fault => 'ignore',
        parameter => 'start-after' }, @command);
    is($run->{status}, 0, "$name: a page with all of them is enough")
        or diag($run->{err});
    ok($asked > 0 && $asked < 10, "of $asked");
}

# An old upload that no record names.
my $key = $directory . '0' x 32 . '!' . 'a' x 16;
$s3->clock(-300);
OCI::S3::Client->new($s3)->create($key);
$s3->clock(0);
my $uploads = <<"XML";
<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>
<NextKeyMarker>$key</NextKeyMarker><NextUploadIdMarker>x</NextUploadIdMarker>
</ListMultipartUploadsResult>
XML
for my $prefix ('blobs%2F0', 'blobs%2F(?:&|\z)') {
    my ($run, $asked) = run_with("uploads.*prefix=[^&]*$prefix",
        { fault => 'body', text => $uploads }, \&gc, '--upload-expiry', 60);
    like($run->{err}, qr/the server ignores key-marker/,
        'a listing of uploads that never ends');
    is($asked, 2, 'ends');
}

# The old upload is deleted, and nothing else.
my $other = $directory . '1' x 32 . '!' . 'a' x 16;
OCI::S3::Client->new($s3)->create($other);
my ($run, $asked) = run_with('prefix=[^&]*(?:blob|tail)s%2F0',
    { fault => 'ignore', parameter => 'prefix' }, \&gc,
    '--upload-expiry', 60);
is($run->{status}, 0, 'a server that ignores prefix') or diag($run->{err});
is($asked, 2, 'lists uploads, and objects');
is_deeply([ map { $_->{key} } $s3->uploads ], [$other],
    'no other upload is aborted');

# Objects whose keys have no id of an upload, or too long a one.
my @foreign = map { $directory =~ s/blobs/tails/r . "$_!" . 'a' x 16 }
    '', 'f' x 70;
my $own = OCI::S3::Client->new($s3);
$own->put($_, 'foreign') for @foreign;
my %tails = (method => 'GET', query => 'list-type=2.*prefix=[^&]*tails',
    count => 10);
$s3->faults({ %tails, fault => 'ignore', parameter => 'none' },
    { %tails, fault => 'denied', count => MANY });
$run = gc($server, '--upload-expiry', 60);
is($run->{status}, 0, 'foreign objects among the uploads')
    or diag($run->{err});
$s3->faults;
my %exists = map { $_->{key} => 1 } $s3->objects;
is(scalar(grep { $exists{$_} } @foreign), 2, 'are passed over');

is($client->get('/v2/a/b/manifests/v1')->body, $image->{text},
    'nothing that is needed was deleted');
for my $layer (@{ $image->{document}{layers} }) {
    status_is($client->get("/v2/a/b/blobs/$layer->{digest}"), 200, 'a layer');
}
$server->stop;
done_testing;
